"""The hierarchical protocol: stations average their own devices' updates for some rounds, then the cloud averages these."""

import math
from collections import defaultdict
from collections.abc import Generator, Sequence
from typing import Any

import simpy

from mecsim.federation.contract import Offer, Scheme
from mecsim.federation.open_turns import OpenTurns, as_asked
from mecsim.federation.rounds import STUDY_ENDED, Course, Plan, updates_of
from mecsim.federation.turn import Turn, client_view
from mecsim.nodes.world import World


def run_hierarchical(world: World, scheme: Scheme, plan: Plan, *, edge_rounds: int) -> Generator[simpy.Event, Any, None]:
    """Let each station take ``edge_rounds`` synchronous rounds on a branch of the scheme, at its own pace; then join these.

    Liu et al., "Client-edge-cloud hierarchical federated learning", ICC 2020: the cloud weighs a station by the samples of the
    devices behind its state. The ``n_asked`` devices of a round are asked by the stations that serve them when it opens.
    A station without an update has no part in the average.
    """
    course = Course(world, scheme, plan)
    yield from course.prepare()
    held = defaultdict[int, set[str]](set)
    for number in course.rounds():
        tuning = course.tune(number)
        devices = yield from course.asked(number, plan.n_asked)
        edges = [
            _Edge(course, scheme.branch(), station, members, held[station])
            for station, members in by_station(world, devices).items()
        ]
        yield course.env.all_of([course.env.process(edge.run(number, edge_rounds)) for edge in edges])
        energy_j = (yield tuning) + math.fsum(edge.energy_j for edge in edges)
        branches = [(edge.branch, edge.weight) for edge in edges if edge.weight > 0.0]
        if branches and all(edge.is_done for edge in edges):
            energy_j += yield from course.serve(scheme.join(branches))
        course.close(number, [turn for edge in edges for turn in edge.turns], energy_j)


def by_station(world: World, devices: Sequence[int]) -> dict[int, list[int]]:
    """Return the devices that each station serves now, in their order; stations in theirs."""
    members = defaultdict[int, list[int]](list)
    for device in devices:
        members[world.station_of(device)].append(device)
    return dict(sorted(members.items()))


class _Edge:
    """A station's part in one round of the cloud.

    Its server is one like the cloud's. It keeps what it has had from the cloud (``held``, by name), so it gets the frozen parts
    of a model once, and every round the state. A device that another station serves by now is not asked again.
    """

    def __init__(self, course: Course, branch: Scheme, station: int, members: Sequence[int], held: set[str]) -> None:
        self.branch, self.turns = branch, list[Turn]()
        self.energy_j, self.weight, self.is_done = 0.0, 0.0, False
        self._course, self._station, self._members, self._held = course, station, members, held

    def run(self, number: int, n_rounds: int) -> Generator[simpy.Event, Any, None]:
        """Get the state, take the rounds, send the state. Where the study ends meanwhile, nothing is sent."""
        yield from self._fetch(number)
        samples: dict[int, int] = {}
        for _ in range(n_rounds):
            ended, is_complete = yield from self._turns(number)
            self.turns += ended
            if not is_complete:
                return
            if updates := updates_of(ended):
                samples.update({update.client: update.n_samples for update in updates})
                self.energy_j += yield from self._course.serve(self.branch.merge(updates))
        if samples:
            state = self.branch.exchange()
            yield from self._course.world.backhaul_transfer(self._station, state.size_bytes, "uplink")
        self.weight, self.is_done = float(sum(samples.values())), True

    def _turns(self, number: int) -> Generator[simpy.Event, Any, tuple[list[Turn], bool]]:
        """Return the turns of one round in the order of selection, and whether all came to their own end."""
        if self._course.over:
            return [], False
        here = [device for device in self._members if self._course.world.station_of(device) == self._station]
        turns = OpenTurns(self._course, self.branch, to="station")
        turns.open(here, number)
        ended = yield from turns.collect(math.inf, self._course.end)
        is_complete = not turns.busy
        ended += yield from turns.stop(STUDY_ENDED)
        return as_asked(here, ended), is_complete

    def _fetch(self, number: int) -> Generator[simpy.Event, Any, None]:
        """Get from the cloud what the devices will want from the station, and what it does not hold yet."""
        world, plan = self._course.world, self._course.plan
        wanted = {payload.name: payload for payload in (self.branch.exchange(),)}
        for device in self._members:
            settings = plan.assignment(device).settings
            view = client_view(world, device=device, n_samples=plan.n_samples(device), round_number=number, settings=settings)
            offer = self.branch.offer(view)
            if isinstance(offer, Offer):
                wanted.update({payload.name: payload for payload in offer.needs})
        for name, payload in wanted.items():
            if name not in self._held:
                yield from world.backhaul_transfer(self._station, payload.size_bytes, "downlink")
                self._held.add(name)
