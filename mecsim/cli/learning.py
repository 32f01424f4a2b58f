"""The learning room as the study wants it: scenario sections become plain values, and those become jobs and schemes."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from learners.catalog import SCHEMES, LocalSettings, SchemeContext, dataset_spec
from learners.data.partition import partition_job
from mecsim.config.entries import DatasetEntry
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.federation.contract import Scheme
from mecsim.jobs.job import Job, Result


class LearningRoom:
    """Names the jobs of a scenario; ``n_classes`` given, costs are counted for a head of that many classes."""

    def __init__(self, n_classes: int | None = None) -> None:
        self._n_classes = n_classes

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that deals the data to the devices."""
        learning = scenario.learning
        return partition_job(
            _dataset(learning.dataset),
            learning.partition.model_dump(exclude={"clients"}),
            n_clients=scenario.fleet.n_devices,
            public_share=learning.public_share,
            test_share=learning.test_share,
            seed=seeds.data,
        )

    def cost_sheet(self, scenario: Scenario, index: int) -> Job:
        """Return the job that prices scheme ``index``."""
        entry, learning = scenario.schemes[index], scenario.learning
        return SCHEMES[entry.name].cost_job(
            entry.params,
            model=learning.model,
            account_as=learning.account_as,
            n_classes=self._n_classes or _dataset(learning.dataset)["n_classes"],
            batch_size=learning.local.batch_size,
        )

    def scheme(self, scenario: Scenario, index: int, seeds: TrialSeeds, n_samples: Sequence[int], sheet: Result) -> Scheme:
        """Return scheme ``index``, ready for its first round."""
        entry, learning = scenario.schemes[index], scenario.learning
        context = SchemeContext(
            model=learning.model,
            account_as=learning.account_as,
            n_classes=_dataset(learning.dataset)["n_classes"],
            dataset=_dataset(learning.dataset),
            partition=self.partition(scenario, seeds),
            client_samples=tuple(n_samples),
            local=LocalSettings(**learning.local.model_dump()),
            learning_seed=seeds.learning,
            costs=sheet.numbers,
            backbone_preinstalled=scenario.fleet.backbone_preinstalled,
        )
        return SCHEMES[entry.name].create(entry.params, context)


@cache
def _dataset(entry: DatasetEntry) -> Mapping[str, Any]:
    """Return what jobs say of the dataset; local files are read for it once a command."""
    return dataset_spec(entry.name, entry.params)


def reconstructions(scenario: Scenario) -> list[str]:
    """Return the schemes of the scenario that are reconstructions of their paper."""
    return sorted({entry.name for entry in scenario.schemes if SCHEMES[entry.name].reconstruction})
