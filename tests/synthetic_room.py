"""A learning room that trains nothing: schemes of plain sizes, results that count their trainings."""

import json
from copy import copy
from pathlib import Path

from mecsim.cli.names import build_catalog
from mecsim.config.loader import parse_scenario, parse_study
from mecsim.config.variants import Variant
from mecsim.federation.contract import NO_STEP, REPLACE, Offer, Payload, SchemeFacts, Work
from mecsim.jobs.job import Result, job
from mecsim.study import run_study

SCENARIO = (Path(__file__).parent.parent / "scenarios" / "quickstart.yaml").read_text()
SMALL = ("protocol.rounds=4", "protocol.clients_per_round=6", "protocol.evaluate_every=2")
N_DEVICES = 24


class SyntheticScheme:
    """Sends 50 kB a turn; what merges is the average of names."""

    def __init__(self, index, seed, peak_bytes):
        self.state = job("init", {"scheme": index, "seed": seed})
        self.peak_bytes = peak_bytes

    def prepare(self):
        return NO_STEP

    def offer(self, client):
        training = job("train", {"client": client.client}, [self.state])
        return Offer(
            needs=(Payload("backbone", "backbone", 10_000_000), self.exchange()),
            work=Work(flop=1e9 * client.n_samples, traffic_bytes=1e6, peak_bytes=self.peak_bytes, n_steps=2),
            sends=Payload(training.name, "update", 50_000),
            job=training,
            base=self.state,
        )

    def merge(self, updates, blend=REPLACE):
        kept = [] if blend.kind == "replace" else [self.state]
        self.state = job("average", {}, [*kept, *(update.job for update in updates)])
        return NO_STEP

    def branch(self):
        return copy(self)

    def join(self, branches):
        self.state = job("average", {}, [branch.state for branch, weight in branches if weight])
        return NO_STEP

    def exchange(self):
        return Payload(self.state.name, "state", 50_000)

    def client_loss(self, client):
        return job("evaluate", {"client": client}, [self.state])

    def alongside(self, round_number):
        return NO_STEP

    def quality(self):
        return job("evaluate", {}, [self.state])

    def facts(self):
        return SchemeFacts(account_as="", trainable_parameters=7, inference_flop=1e6)


class SyntheticRoom:
    """Schemes of growing memory; the first ones fit every device."""

    def __init__(self, peaks_bytes):
        self.peaks_bytes = peaks_bytes

    def partition(self, scenario, seeds):
        return job("partition", {"seed": seeds.data})

    def cost_sheets(self, scenario, index):
        return {"device": job("cost", {"peak": self.peaks_bytes[index % len(self.peaks_bytes)]})}

    def scheme(self, scenario, index, seeds, dealt, sheets):
        return SyntheticScheme(index, seeds.learning, sheets["device"]["peak_train_bytes"])


def execute(wanted, inputs):
    """Count the trainings behind a state: accuracy grows with them."""
    params = json.loads(wanted.params)
    match wanted.kind:
        case "partition":
            return Result({"n_samples": [10 + device for device in range(N_DEVICES)]})
        case "cost":
            return Result({"peak_train_bytes": params["peak"]})
        case "evaluate":
            n_trained = inputs[0].numbers["trained"]
            return Result({"accuracy": n_trained / (n_trained + 10), "loss": 1.0 / (1 + n_trained), "trainings": n_trained})
        case _:
            return Result({"trained": (wanted.kind == "train") + sum(each.numbers["trained"] for each in inputs)})


class Watcher:
    """Notes what it is told."""

    def __init__(self):
        self.trials, self.missing, self.ended, self.rounds = [], None, [], []

    def begins(self, trials):
        self.trials = [str(trial) for trial in trials]

    def simulated(self, trial, each):
        self.rounds.append((str(trial), each.number))

    def world_ends(self, trial, log):
        self.ended.append(str(trial))

    def learning_begins(self, worlds, missing):
        self.missing = list(missing)


def parse(*overrides):
    return parse_scenario(SCENARIO, "quickstart", build_catalog(), overrides=[*SMALL, *overrides])


def variants(*overrides, sweep=""):
    """Return the variants of the small quickstart with a sweep."""
    return parse_study(SCENARIO + sweep, "quickstart", build_catalog(), overrides=[*SMALL, *overrides]).variants


def study_of(scenario, runner, peaks_bytes=(1e6,)):
    return swept([Variant.only(scenario)], runner, peaks_bytes)


def swept(of, runner, peaks_bytes=(1e6,), watcher=None):
    return run_study(of, SyntheticRoom(peaks_bytes), runner, watcher or Watcher())
