"""The table of ``mecsim cost``."""

from typing import Any

from rich.table import Table

from mecsim.build import Learning, build_group
from mecsim.config.scenario import Scenario
from mecsim.jobs.runner import Runner
from mecsim.nodes.fleet import Group


def cost_table(scenario: Scenario, learning: Learning, runner: Runner) -> Table:
    """Return a row a scheme: parameters, bytes and FLOPs of a turn, peak memory, and the groups that can hold it.

    A turn is that of a device with the mean number of samples. The first download brings the backbone as well.
    """
    partition = learning.partition(scenario, scenario.trial_seeds())
    (dealt,) = runner.demand([partition])
    n_samples = dealt.numbers["n_samples"]
    mean_samples = sum(n_samples) / len(n_samples) * scenario.learning.local.epochs
    groups = [build_group(group) for group in scenario.fleet.groups]
    sheets = runner.demand([learning.cost_sheet(scenario, index) for index in range(len(scenario.schemes))])
    table = Table(title=_title(scenario, mean_samples), title_justify="left", title_style="", box=None, padding=(0, 1))
    table.add_column("scheme", overflow="fold")
    for heading in ("trainable\nparameters", "update\nMB", "backbone\nMB", "turn\nGFLOP", "peak\nGB"):
        table.add_column(heading, justify="right")
    table.add_column("held by", overflow="fold")
    for entry, sheet in zip(scenario.schemes, sheets, strict=True):
        table.add_row(entry.label, *_figures(sheet.numbers, mean_samples), _holders(groups, sheet.numbers["peak_train_bytes"]))
    return table


def _title(scenario: Scenario, mean_samples: float) -> str:
    counted = scenario.learning.account_as or scenario.learning.model
    return f"A turn on {counted}: {mean_samples:.0f} samples in batches of {scenario.learning.local.batch_size}"


def _figures(sheet: Any, mean_samples: float) -> list[str]:
    return [
        f"{sheet['trainable_parameters']:,}",
        f"{sheet['state_bytes'] / 1e6:.3g}",
        f"{sheet['backbone_bytes'] / 1e6:.3g}",
        f"{sheet['train_flop_per_sample'] * mean_samples / 1e9:.3g}",
        f"{sheet['peak_train_bytes'] / 1e9:.3g}",
    ]


def _holders(groups: list[Group], peak_bytes: float) -> str:
    held = [group.name for group in groups if peak_bytes <= group.memory_budget_bytes]
    if len(held) == len(groups):
        return "all"
    return ", ".join(held) or "none"
