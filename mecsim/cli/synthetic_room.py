"""The learning room of ``learning: {kind: synthetic}``: as the world sees it, and with nothing to train. Loads no torch."""

from collections.abc import Mapping
from typing import Any

from learners.schemes.synthetic import Synthetic, SyntheticContext, SyntheticParams
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.config.synthetic import SyntheticLearning
from mecsim.errors import MecsimError
from mecsim.federation.contract import Scheme
from mecsim.jobs.job import Job
from mecsim.jobs.synthetic import partition_job


class SyntheticRoom:
    """Names the jobs of a scenario without learning; ``mecsim.jobs.synthetic`` executes them."""

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that says how many samples each device has."""
        samples = _learning(scenario).samples.model_dump()
        return partition_job(samples, n_devices=scenario.fleet.n_devices, seed=seeds.data)

    def cost_sheets(self, scenario: Scenario, index: int) -> Mapping[str, Job]:
        """Return no jobs: what a turn costs stands in the scenario."""
        return {}

    def scheme(
        self,
        scenario: Scenario,
        index: int,
        seeds: TrialSeeds,
        dealt: Mapping[str, Any],
        sheets: Mapping[str, Mapping[str, Any]],
    ) -> Scheme:
        """Return scheme ``index``, ready for its first round; a MecsimError says so where it is one that trains."""
        learning, entry = _learning(scenario), scenario.schemes[index]
        if not isinstance(entry.params, SyntheticParams):
            raise MecsimError(
                f"schemes.{index}: {entry.name!r} trains a model, and learning.kind is synthetic: "
                "use the scheme 'synthetic', or write a learning section with a model and a dataset"
            )
        context = SyntheticContext(
            n_samples=sum(dealt["n_samples"]),
            curve=learning.curve.model_dump(),
            epochs=learning.epochs,
            batch_size=learning.batch_size,
            staleness_exponent=learning.staleness_exponent,
            loss_spread=learning.loss_spread,
            seed=seeds.learning,
            backbone_preinstalled=scenario.fleet.backbone_preinstalled,
        )
        return Synthetic(entry.params, context)


def _learning(scenario: Scenario) -> SyntheticLearning:
    if not isinstance(scenario.learning, SyntheticLearning):
        raise TypeError(f"the learning of {scenario.name!r} is trained: its room is mecsim.cli.learning.LearningRoom")
    return scenario.learning
