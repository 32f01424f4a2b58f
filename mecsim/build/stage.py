"""All that a trial is made of, so that it can be played again and again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from mecsim.build.network import build_channel
from mecsim.config.scenario import Scenario, TrialSeeds
from mecsim.federation.contract import Scheme
from mecsim.jobs.job import Job
from mecsim.nodes.channel import Channel
from mecsim.rng import Streams


class Learning(Protocol):
    """What the study needs of the learning room: names of jobs and schemes over them. Nothing here trains."""

    def partition(self, scenario: Scenario, seeds: TrialSeeds) -> Job:
        """Return the job that deals the data to the devices; its numbers have ``n_samples``, one a device."""
        ...

    def cost_sheets(self, scenario: Scenario, index: int) -> Mapping[str, Job]:
        """Return the jobs that price scheme ``index`` of the scenario, by the names that the scheme knows them by."""
        ...

    def scheme(
        self,
        scenario: Scenario,
        index: int,
        seeds: TrialSeeds,
        dealt: Mapping[str, Any],
        sheets: Mapping[str, Mapping[str, Any]],
    ) -> Scheme:
        """Return scheme ``index``, ready for its first round; ``dealt`` and ``sheets`` are the numbers of those jobs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One scheme in one world, before anything has happened in it.

    ``make_scheme`` makes the scheme anew, ready for its first round; ``dealt`` are the numbers of the job that deals the data.
    """

    scenario: Scenario
    index: int
    make_scheme: Callable[[], Scheme]
    channel: Channel
    seeds: TrialSeeds
    dealt: Mapping[str, Any]


def build_stage(
    scenario: Scenario,
    index: int,
    learning: Learning,
    *,
    seeds: TrialSeeds,
    dealt: Mapping[str, Any],
    sheets: Mapping[str, Mapping[str, Any]],
) -> Stage:
    """Return the stage of scheme ``index``; ``dealt`` and ``sheets`` are the numbers of the jobs that ``learning`` names."""
    return Stage(
        scenario=scenario,
        index=index,
        make_scheme=partial(learning.scheme, scenario, index, seeds, dealt, sheets),
        channel=build_channel(scenario, Streams(seeds.world)),
        seeds=seeds,
        dealt=dealt,
    )
