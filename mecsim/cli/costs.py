"""The table of ``mecsim cost``."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from mecsim.build.fleet import memory_of_group
from mecsim.build.stage import Learning
from mecsim.config.scenario import Scenario
from mecsim.jobs.job import Job
from mecsim.jobs.runner import Runner


def cost_table(scenario: Scenario, learning: Learning, runner: Runner) -> Table:
    """Return a row a cost sheet: parameters, bytes and FLOPs of a turn, peak memory, and the groups that can hold it.

    A scheme has a sheet for what its devices train, and further ones for the server's models. A turn is that of a device with
    the mean number of samples. The first download brings the backbone as well.
    """
    (dealt,) = runner.demand([learning.partition(scenario, scenario.trial_seeds())])
    n_samples = dealt.numbers["n_samples"]
    mean_samples = sum(n_samples) / len(n_samples) * scenario.trained.local.epochs
    groups = {group.name: memory_of_group(group) for group in scenario.fleet.groups}
    table = Table(title=_title(scenario, mean_samples), title_justify="left", title_style="", box=None, padding=(0, 1))
    table.add_column("scheme", overflow="fold")
    for heading in ("trainable\nparameters", "update\nMB", "backbone\nMB", "turn\nGFLOP", "peak\nGB"):
        table.add_column(heading, justify="right")
    table.add_column("held by", overflow="fold")
    for index, entry in enumerate(scenario.schemes):
        for name, sheet in _demanded(runner, _different(learning.cost_sheets(scenario, index))).items():
            is_device = name.startswith("device")
            label = entry.label if name == "device" else f"{entry.label} ({name})"
            holders = _holders(groups, sheet["peak_train_bytes"]) if is_device else "the server"
            table.add_row(label, *_figures(sheet, mean_samples), holders)
    return table


def _different(sheets: Mapping[str, Job]) -> dict[str, Job]:
    """Return the sheets without those that a scheme knows by a second name."""
    first = {job: name for name, job in reversed(list(sheets.items()))}
    return {name: job for name, job in sheets.items() if first[job] == name}


def _title(scenario: Scenario, mean_samples: float) -> str:
    counted = scenario.trained.account_as or scenario.trained.model
    return f"A turn on {counted}: {mean_samples:.0f} samples in batches of {scenario.trained.local.batch_size}"


def _figures(sheet: Mapping[str, Any], mean_samples: float) -> list[str]:
    return [
        f"{sheet['trainable_parameters']:,}",
        f"{sheet['state_bytes'] / 1e6:.3g}",
        f"{sheet['backbone_bytes'] / 1e6:.3g}",
        f"{sheet['train_flop_per_sample'] * mean_samples / 1e9:.3g}",
        f"{sheet['peak_train_bytes'] / 1e9:.3g}",
    ]


def _holders(groups: Mapping[str, float], peak_bytes: float) -> str:
    held = [name for name, memory_bytes in groups.items() if peak_bytes <= memory_bytes]
    if len(held) == len(groups):
        return "all"
    return ", ".join(held) or "none"


def _demanded(runner: Runner, jobs: Mapping[str, Job]) -> dict[str, Mapping[str, Any]]:
    """Return the numbers of the results of ``jobs`` by name."""
    return {name: result.numbers for name, result in zip(jobs, runner.demand(list(jobs.values())), strict=True)}
