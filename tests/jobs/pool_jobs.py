"""What worker processes of the tests import: jobs that add, wait, fail and die, and write down that they were executed."""

import functools
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from mecsim.errors import JobError, Problem, ScenarioError, UnknownNameError
from mecsim.jobs.job import Job, Result, job
from mecsim.jobs.pool import PoolRunner
from mecsim.jobs.store import Store

PATIENCE_S = 20.0


class HeldError(Exception):
    """Cannot be pickled: it holds a file."""

    def __init__(self, held):
        super().__init__("holds a file")
        self.held = held


def make(folder):
    """Return what a worker needs; results and notes are in ``folder``."""
    return functools.partial(execute, folder), Store(folder / "store", numerics="test")


def make_failing(folder):
    raise JobError("no worker can be made here")


def make_dying(folder):
    os._exit(3)


def note(folder, line):
    """Append a line in one write: lines of several processes do not mix."""
    file = os.open(folder / "notes", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def notes(folder):
    path = folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def until(condition, patience_s=PATIENCE_S):
    """Wait for ``condition`` to be true, and say whether it is."""
    end = time.monotonic() + patience_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def is_gone(pid):
    """Say whether a process has ended; one that nobody has buried yet counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def execute(folder, wanted: Job, inputs):
    params = json.loads(wanted.params)
    note(folder, wanted.name)
    match wanted.kind:
        case "add":
            total = params["value"] + sum(float(result.tensors["sum"][0]) for result in inputs)
            return Result({"total": total}, {"sum": np.array([total, total / 3.0])})
        case "meet":
            # Ends only when the other one has begun as well.
            (folder / f"here-{params['me']}").touch()
            if not until((folder / f"here-{params['other']}").exists):
                raise JobError("the other job was not begun beside this one")
            return Result({"met": True})
        case "wait":
            (folder / f"waits-{os.getpid()}").touch()
            time.sleep(params["s"])
            return Result({"waited": True})
        case "die":
            deaths = list(folder.glob("died-*"))
            if len(deaths) < params["times"]:
                (folder / f"died-{os.getpid()}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return Result({"deaths": len(deaths)})
        case "damage":
            # Somebody breaks a file of the store while the study runs.
            for path in (folder / "store").rglob("*.safetensors"):
                path.write_bytes(b"damaged")
            return Result({})
        case "fail":
            until(lambda: params.get("after", wanted.name) in notes(folder))
            raise failure(params["how"])
    raise KeyError(wanted.kind)


def failure(how):
    match how:
        case "job":
            return JobError("the tensors do not fit")
        case "scenario":
            return ScenarioError("a.yaml", [Problem("fleet.groups", "is empty", "add a group", line=3)])
        case "name":
            return UnknownNameError("scheme", "fedpft2", ["fedpft", "fedpeft"])
        case "value":
            return ValueError("a value", 7)
        case "exit":
            return SystemExit("out")
        case "held":
            return HeldError(sys.stdout)
    return KeyboardInterrupt()


def double(number):
    return 2 * number


def double_or_fail(number):
    if number < 0:
        raise JobError(f"{number} is negative")
    time.sleep(0.05)
    return 2 * number


def first_ends_last(folder, number):
    """Return the number; 0 waits for 3 to be there."""
    if number == 0:
        until((folder / "3").exists)
    (folder / str(number)).touch()
    return number


def long_if_zero(number):
    if number == 0:
        time.sleep(600)
    return number


def lambda_of(number):
    return lambda: number


def die_once(marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def main(folder, n_workers=2):
    """Execute something short, then wait for long: what the tests kill and interrupt."""
    folder = Path(folder)
    jobs = [job("add", {"value": 1}), *(job("wait", {"s": 600, "i": i}) for i in range(n_workers))]
    runner = PoolRunner(functools.partial(make, folder), Store(folder / "store", numerics="test"), n_workers=n_workers)
    try:
        with runner:
            os.write(1, b"begins\n")
            runner.demand(jobs)
    except KeyboardInterrupt:
        os.write(1, f"interrupted after {runner.n_executed}\n".encode())
