"""The learning room as the study wants it: scenario sections become plain values, and those become jobs and schemes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from learners.catalog import SCHEMES, CostQuestion, LocalSettings, SchemeContext, dataset_spec
from learners.data.partition import partition_job
from mecsim.build.stage import Learning
from mecsim.config.entries import DatasetEntry
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.federation.contract import Scheme
from mecsim.jobs.job import Job

_TOKENS = "language-modelling"


class LearningRoom:
    """Names the jobs of a scenario; ``n_classes`` given, costs are counted for a head of that many classes."""

    def __init__(self, n_classes: int | None = None) -> None:
        self._n_classes = n_classes

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that deals the data to the devices."""
        learning = scenario.trained
        return partition_job(
            _dataset(learning.dataset),
            learning.partition.model_dump(exclude={"clients"}),
            n_clients=scenario.fleet.n_devices,
            public_share=learning.public_share,
            test_share=learning.test_share,
            seed=seeds.data,
        )

    def cost_sheets(self, scenario: Scenario, index: int) -> Mapping[str, Job]:
        """Return the jobs that price scheme ``index``."""
        entry, learning = scenario.schemes[index], scenario.trained
        dataset = _dataset(learning.dataset)
        question = CostQuestion(
            model=learning.model,
            account_as=learning.account_as,
            task=dataset["task"],
            n_classes=self._n_classes or _outputs(dataset),
            batch_size=learning.local.batch_size,
            length=_length(dataset),
            optimizer=learning.local.optimizer,
            head_start=learning.head_start,
        )
        return SCHEMES[entry.name].cost_jobs(entry.params, question)

    def scheme(
        self,
        scenario: Scenario,
        index: int,
        seeds: TrialSeeds,
        dealt: Mapping[str, Any],
        sheets: Mapping[str, Mapping[str, Any]],
    ) -> Scheme:
        """Return scheme ``index``, ready for its first round."""
        entry, learning = scenario.schemes[index], scenario.trained
        dataset = _dataset(learning.dataset)
        context = SchemeContext(
            model=learning.model,
            account_as=learning.account_as,
            task=dataset["task"],
            n_classes=_outputs(dataset),
            dataset=dataset,
            partition=self.partition(scenario, seeds),
            client_samples=tuple(dealt["n_samples"]),
            n_public=dealt["n_public"],
            n_test=dealt["n_test"],
            n_rounds=scenario.protocol.rounds,
            local=LocalSettings(**learning.local.model_dump()),
            learning_seed=seeds.learning,
            costs=sheets,
            backbone_preinstalled=scenario.fleet.backbone_preinstalled,
            head_start=learning.head_start,
            controlled=entry.control is not None,
        )
        return SCHEMES[entry.name].create(entry.params, context)


def room_of(scenario: Scenario) -> Learning:
    """Return the room that a scenario learns in: the real one, or the one of formulas."""
    if scenario.learning.kind == "synthetic":
        from mecsim.cli.synthetic_room import SyntheticRoom

        return SyntheticRoom()
    return LearningRoom()


def _outputs(dataset: Mapping[str, Any]) -> int | None:
    return None if dataset["task"] == _TOKENS else int(dataset["n_classes"])


def _length(dataset: Mapping[str, Any]) -> int | None:
    """Return the tokens of a sample; a window of text counts as a token a byte."""
    length = dataset.get("window") if dataset["task"] == _TOKENS else dataset.get("max_length")
    return None if length is None else int(length)


@cache
def _dataset(entry: DatasetEntry) -> Mapping[str, Any]:
    """Return what jobs say of the dataset; local files are read for it once a command."""
    return dataset_spec(entry.name, entry.params)


def reconstructions(scenario: Scenario) -> list[str]:
    """Return the schemes of the scenario that are reconstructions of their paper."""
    return sorted({entry.name for entry in scenario.schemes if SCHEMES[entry.name].reconstruction})
