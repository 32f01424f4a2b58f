"""What the golden files hold; ``make golden`` writes them. They tell that something moved, not that it is right."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from synthetic_room import execute, parse, study_of

from learners.catalog import METHODS, LocalSettings, dataset_spec
from learners.data.partition import partition_job
from learners.inline import InlineRunner
from learners.models.spec import model_spec
from mecsim.jobs.job import job
from mecsim.jobs.runner import LocalRunner
from mecsim.jobs.store import Store

FOLDER = Path(__file__).parent
TASK = "image-classification"
COLUMNS = ("sim_time_s", "uplink_bytes", "downlink_bytes", "device_compute_energy_j", "device_radio_energy_j", "completed")


def world_trace():
    """Return the rounds and the turns of the quickstart's world under schemes of plain sizes."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), numerics="golden")
        rows = study_of(parse(), LocalRunner(execute, store)).rows
        store.close()
    label = rows["rounds"][0].label
    rounds = [{column: getattr(row, column) for column in COLUMNS} for row in rows["rounds"] if row.label == label]
    turns = [[row.round, row.device, row.outcome, row.end_s] for row in rows["clients"] if row.label == label]
    return {"rounds": rounds, "turns": turns}


def loss_curves():
    """Return the test loss of each method before and after each of three averaged turns of one client."""
    dataset, runner = dataset_spec("digits"), InlineRunner()
    dealt = partition_job(dataset, {"kind": "iid"}, n_clients=24, public_share=0.1, test_share=0.2, seed=1)
    local = asdict(LocalSettings())
    curves = {}
    for name, method in METHODS.items():
        spec = model_spec(
            "tiny-vit-s", task=TASK, n_classes=10, method={"name": name, **method.options}, pretrained=True, seed=1
        )
        model = {"model": spec, "dataset": dataset}
        states = [job("init", {"model": spec})]
        for client in range(3):
            params = {**model, **local, "on": {"client": client}, "learning_rate": method.learning_rates["sgd"]}
            states.append(job("train", params, [states[-1], dealt]))
        evaluations = [job("evaluate", {**model, "split": "test"}, [state, dealt]) for state in states]
        curves[name] = [runner.demand(evaluation).numbers["loss"] for evaluation in evaluations]
    return curves


def main():
    for name, produced in (("world_trace", world_trace()), ("loss_curves", loss_curves())):
        (FOLDER / f"{name}.json").write_text(json.dumps(produced, indent=1) + "\n")


if __name__ == "__main__":
    main()
