"""A study that is killed again and again: ``python -m benchmarks.kills [20]``.

``mecsim run`` of a small sweep with two workers gets ``kill -9`` at random moments, the parent and a worker by turns (the
parent where there is no worker yet), and is started again until it has been killed so often; what ends before begins anew.
Then it is left alone. Its tables have to have the same bytes as those of a run that nobody disturbed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

SCENARIO = """\
schema: 1
name: kills
seed: 1
replications: 2
learning:
  model: tiny-vit-s
  dataset: {name: digits, train_per_class: 20}
  partition: {kind: iid}
  local: {epochs: 1, batch_size: 16}
network:
  stations:
    - {name: north, position_m: [100, 100], height_m: 10, tx_power_dbm: 33}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: 20, downlink_share: 0.75}
  path_loss: {kind: umi}
fleet:
  area_m: [200, 200]
  groups:
    - {profile: raspberry-pi-5, count: 6}
server: {profile: server-a100}
protocol: {kind: sync, rounds: 4, clients_per_round: 3}
schemes:
  - {name: fedpeft, method: lora, label: lora}
  - {name: fedpeft, method: head, label: head}
sweep:
  - {key: network.carrier.bandwidth_mhz, values: [5, 20]}
  - {key: learning.local.epochs, values: [1, 3]}
"""
#: Who is hit where the study has ended before.
NOBODY = "nobody"
#: No run of the study takes as long.
LIMIT_S = 300.0


@dataclass
class Sandbox:
    """A folder with the scenario, a store and the run."""

    folder: Path

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "kills.yaml").write_text(SCENARIO, encoding="utf-8")

    @property
    def run(self):
        return self.folder / "run"

    def start(self):
        command = [
            sys.executable,
            "-m",
            "mecsim.cli.app",
            "run",
            "kills.yaml",
            "--workers",
            "2",
            "--out",
            "run",
            "--store",
            "store",
        ]
        return subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self):
        """Run to the end, and return the bytes of what the run left, but for the manifest and what is drawn."""
        process = self.start()
        _, errors = process.communicate(timeout=LIMIT_S)
        if process.returncode != 0:
            raise RuntimeError(errors)
        return {path.name: path.read_bytes() for path in sorted(self.run.iterdir()) if path.suffix in (".parquet", ".yaml")}


def disturb(sandbox, whom, after_s):
    """Start the study, kill the parent or a worker after some seconds, and return what was hit; a study may end before.

    After a worker the study is left to go on for a moment, and then the parent is killed as well.
    """
    process = sandbox.start()
    time.sleep(after_s)
    workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    hit = NOBODY
    if process.poll() is None:
        hit = "the parent"
        if whom == "worker" and workers:
            hit = "a worker"
            os.kill(workers[-1].pid, signal.SIGKILL)
            time.sleep(1.0)
            if process.poll() is not None and process.returncode != 0:
                raise RuntimeError(f"the study did not survive the death of a worker: {process.stderr.read()}")
        process.kill()
    process.wait()
    process.stderr.close()
    _, alive = psutil.wait_procs(workers, timeout=10.0)
    if alive:
        raise RuntimeError(f"{len(alive)} workers outlived their parent")
    return hit


def main():
    n_kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    generator = np.random.default_rng(n_kills)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        undisturbed = Sandbox(Path(folder) / "undisturbed").finish()
        whole_s = time.perf_counter() - began
        print(f"undisturbed: {whole_s:.1f} s")
        disturbed = Sandbox(Path(folder) / "disturbed")
        number = 0
        while number < n_kills:
            after_s = generator.uniform(0.2, whole_s)
            hit = disturb(disturbed, ("parent", "worker")[number % 2], after_s)
            if hit == NOBODY:
                shutil.rmtree(disturbed.folder / "store")  # else it would end sooner each time
                continue
            number += 1
            print(f"kill {number:2d} after {after_s:5.1f} s: {hit}", flush=True)
        same = disturbed.finish() == undisturbed
    print(f"{n_kills} kills, and the tables are {'the same bytes' if same else 'DIFFERENT'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
