"""A city without training: a million devices in a thousand cells, a thousand of them a round.

Run alone on one core: ``python -m benchmarks.scale`` (all of it) or ``python -m benchmarks.scale POPULATION``. Each population
runs in a process of its own, so that its peak of memory is its own; times are those of that process.
"""

import json
import resource
import subprocess
import sys
import time

POPULATIONS = (10_000, 100_000, 1_000_000)
N_ROUNDS, N_ASKED = 50, 1_000

SCENARIO = """\
schema: 1
name: city
seed: 1
learning: {{kind: synthetic}}
network:
  layout:
    kind: hexagonal
    rows: 40
    columns: 25
    inter_site_m: 500
    wrap_around: true
    station: {{height_m: 25, tx_power_dbm: 46, power_class: macro}}
  carrier: {{frequency_ghz: 3.5, bandwidth_mhz: 100, downlink_share: 0.75}}
  path_loss: {{kind: uma}}
fleet:
  backbone_preinstalled: true
  groups:
    - {{profile: phone-mid, count: {population}, mobility: {{kind: {mobility}}}, spread: {{speed: 0.3}}}}
server: {{profile: server-a100}}
protocol: {{kind: sync, rounds: {rounds}, clients_per_round: {asked}, evaluate_every: 10}}
schemes:
  - {{name: synthetic, backbone_mb: 10, download_mb: 1, update_mb: 1, flop_per_sample: 1000000000.0}}
"""


class NoStore:
    """Keeps nothing: what is executed in a benchmark is not to be found by the next."""

    def __contains__(self, job):
        return False

    def get(self, job):
        return None

    def put(self, job, result):
        pass


class Silent:
    def __getattr__(self, name):
        return lambda *args: None


class Stopwatch:
    """Notes when the rounds begin: what is before is set-up."""

    def __init__(self):
        self.began = time.perf_counter()
        self.set_up_s = None

    def first_round(self):
        if self.set_up_s is None:
            self.set_up_s = time.perf_counter() - self.began


def measure(population, mobility="static", n_rounds=N_ROUNDS, n_asked=N_ASKED):
    """Return seconds of set-up and of rounds, peak memory, and what the study did."""
    import mecsim.build.trial as trial
    from mecsim.cli.names import build_catalog
    from mecsim.cli.synthetic_room import SyntheticRoom
    from mecsim.config.loader import parse_scenario
    from mecsim.config.variants import Variant
    from mecsim.jobs import synthetic
    from mecsim.jobs.runner import LocalRunner
    from mecsim.study import run_study

    watch = Stopwatch()
    run_protocol = trial.run_protocol

    def watched(*args):
        watch.first_round()
        return run_protocol(*args)

    trial.run_protocol = watched
    text = SCENARIO.format(population=population, rounds=n_rounds, asked=n_asked, mobility=mobility)
    scenario = parse_scenario(text, "city", build_catalog())
    rows = run_study([Variant.only(scenario)], SyntheticRoom(), LocalRunner(synthetic.execute, NoStore()), Silent()).rows
    whole_s = time.perf_counter() - watch.began
    summary = rows["summary"][0]
    return {
        "population": population,
        "set-up s": round(watch.set_up_s, 1),
        "rounds s": round(whole_s - watch.set_up_s, 1),
        "all s": round(whole_s, 1),
        "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "turns": summary.turns,
        "completed": summary.completed,
        "simulated h": round(summary.sim_time_s / 3600.0, 2),
        "torch": "torch" in sys.modules,
    }


def main():
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
        return
    for population in POPULATIONS:
        command = [sys.executable, "-m", "benchmarks.scale", str(population)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(", ".join(f"{key}: {value}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
