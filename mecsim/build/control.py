"""Where a control policy meets a trial's world: what it observes, and what its decisions do there."""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from mecsim.build.view import FleetView
from mecsim.control.observation import Devices, Floats, Observation
from mecsim.control.policy import Assignment, Decision, Policy
from mecsim.control.selection import Selector, draw_candidates
from mecsim.errors import MecsimError
from mecsim.federation.contract import AS_IT_IS, Knob, Offer, Scheme, Settings
from mecsim.federation.rounds import Round
from mecsim.federation.turn import refusal_of_offer
from mecsim.nodes.attachment import LinkState
from mecsim.nodes.world import World
from mecsim.rng import Streams

# How many devices a policy looks at that chooses among all: what keeps a decision cheap in a city. A default of this project.
_LOOKED_AT = 1000

#: The knob of a scheme that has none: one choice, which says nothing.
NO_KNOB = Knob(name="", choices=(0.0,), default=0.0)


class Control:
    """A policy at work in one trial.

    ``selector`` says who takes part where the policy does not. Assignments hold until a device is asked again.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        selector: Selector,
        view: FleetView,
        world: World,
        scheme: Scheme,
        streams: Streams,
        n_samples: Sequence[int],
        n_asked: int,
        n_rounds: int,
    ) -> None:
        self.policy = policy
        self.knob = scheme.knob() or NO_KNOB
        self._has_knob = scheme.knob() is not None
        self._selector, self._view, self._world, self._scheme = selector, view, world, scheme
        self._streams, self._n_samples, self._n_asked, self._n_rounds = streams, n_samples, n_asked, n_rounds
        self._assignments: dict[int, Assignment] = {}
        self._n_updates: Floats = np.zeros(len(world.fleet))
        self._last_round = np.zeros(len(world.fleet))
        self._round_s = 0.0
        self._looked: tuple[tuple[object, ...], Observation] | None = None
        view.settings_of = lambda device: self.assignment(device).settings

    def assignment(self, device: int) -> Assignment:
        """Return what has been decided for a device."""
        return self._assignments.get(device) or Assignment(device=device)

    def select(self, number: int, n: int, busy: Set[int]) -> tuple[int, ...]:
        """Let the policy decide on a round of at most ``n`` devices, tell the world, and return who is asked."""
        if self.policy.chooses_devices:
            observation = self.observe(number, n, busy)
            if not observation.available.any():
                return ()
            decision = self._checked(self.policy.decide(observation), observation)
        else:
            self._tell(busy)  # full power of all others, before anybody looks
            chosen = self._selector.select(self._view, number, n, busy)
            if not chosen:
                return ()
            decision = self._as_selected(self.policy.decide(self._observe(number, n, np.sort(np.array(chosen)))), chosen)
        kept = decision.assignments[:n]
        self._assignments.update({each.device: each for each in kept})
        devices = tuple(each.device for each in kept)
        self._tell({*busy, *devices})
        return devices

    def _tell(self, devices: Set[int]) -> None:
        """Let the world divide cells and limit powers as decided for ``devices``, and for nobody else."""
        decided = [self.assignment(device) for device in sorted(devices)]
        divides = any(each.bandwidth != 1.0 for each in decided)
        self._world.set_radio(
            {each.device: each.bandwidth for each in decided} if divides else {},
            {each.device: each.power_db for each in decided if each.power_db},
        )

    def observe(self, number: int, n: int | None = None, busy: Set[int] = frozenset()) -> Observation:
        """Return what a policy that chooses among all would see; of a large fleet, 1,000 devices drawn at random.

        Asked again at the same instant for the same round, it is what it was.
        """
        key = (number, n, frozenset(busy), self._view.now_s)
        if self._looked is None or self._looked[0] != key:
            self._tell(busy)  # full power of all others, before anybody looks
            self._looked = (key, self._observe_all(number, n, busy))
        return self._looked[1]

    def _observe_all(self, number: int, n: int | None, busy: Set[int]) -> Observation:
        devices = np.arange(len(self._world.fleet), dtype=np.int64)
        if len(devices) > _LOOKED_AT:
            devices = draw_candidates(self._streams, self._view, number, _LOOKED_AT, busy)
        elif busy:
            devices = devices[~np.isin(devices, list(busy))]
        return self._observe(number, self._n_asked if n is None else n, devices)

    def somebody_there(self) -> bool:
        """Tell whether any device can be asked now."""
        return bool(self._view.available(np.arange(len(self._world.fleet))).any())

    def learn(self, each: Round) -> None:
        """Take note of a round that has closed."""
        for turn in each.turns:
            if turn.update is not None:
                self._n_updates[turn.device] += 1
                self._last_round[turn.device] = each.number
        self._round_s = each.closed_at_s - each.opened_at_s if each.number else 0.0

    def _observe(self, number: int, n: int, devices: Devices) -> Observation:
        world, view = self._world, self._view
        view.round_number = number
        available = view.available(devices)
        down_bps, up_bps = view.rates(devices)
        links = [world.link_now(int(device)) for device in devices]
        ages = [self._scheme.ages(world.fleet.holdings.get(int(device), {})) or (None,) for device in devices]
        prospects = [
            self._prospects(int(device), down, up, link, held)
            for device, down, up, link, held in zip(devices, down_bps, up_bps, links, ages, strict=True)
        ]
        feasible = self._columns(prospects, "feasible").astype(np.bool_) & available[:, None]
        seconds, joules = self._columns(prospects, "seconds"), self._columns(prospects, "joules")
        default = self.knob.default_index
        held = [[math.nan if age is None else float(age) for age in row] for row in ages]
        return Observation(
            round_number=number,
            n_rounds=self._n_rounds,
            now_s=view.now_s,
            round_s=self._round_s,
            n_asked=n,
            choices=self.knob.choices,
            default=default,
            renews=self.knob.renews,
            accuracy=view.accuracy() if self.policy.asks_quality else math.nan,
            devices=devices,
            available=available,
            n_samples=view.n_samples(devices),
            distance_m=np.array([link.distance_m for link in links]),
            downlink_bps=down_bps,
            uplink_bps=up_bps,
            memory_bytes=np.array([world.fleet.memory_of(int(device)) for device in devices]),
            speed_flops=self._columns(prospects, "speed_flops")[:, default],
            battery_share=view.battery_share(devices),
            n_updates=self._n_updates[devices].copy(),
            rounds_since=number - self._last_round[devices],
            feasible=feasible,
            compute_s=self._columns(prospects, "compute_s"),
            download_bytes=self._columns(prospects, "download_bytes"),
            kept_download_bytes=self._columns(prospects, "kept_download_bytes"),
            upload_bytes=self._columns(prospects, "upload_bytes"),
            expected_s=np.where(feasible, seconds, np.inf),
            expected_j=np.where(feasible, joules, np.inf),
            age=np.array(held, dtype=np.float64).reshape(len(devices), len(self.knob.choices)),
        )

    def _columns(self, prospects: Sequence[Sequence["_Prospect"]], name: str) -> Floats:
        values = [[float(getattr(each, name)) for each in row] for row in prospects]
        return np.array(values, dtype=np.float64).reshape(len(prospects), len(self.knob.choices))

    def _prospects(
        self, device: int, down_bps: float, up_bps: float, link: LinkState, ages: Sequence[int | None]
    ) -> list["_Prospect"]:
        """Return what a device would do with each choice."""
        world = self._world
        runs, covered = world.runs(device, self._view.now_s), world.in_coverage(device, link)
        return [
            self._prospect(device, choice, down_bps, up_bps, age, runs=runs, covered=covered)
            for choice, age in zip(self.knob.choices, ages, strict=True)
        ]

    def _prospect(
        self, device: int, choice: float, down_bps: float, up_bps: float, age: int | None, *, runs: bool, covered: bool
    ) -> "_Prospect":
        world, outlook, number = self._world, self._view.outlook, self._view.round_number
        settings = Settings(choice=choice) if self._has_knob else AS_IT_IS
        offer = outlook.offer(device, self._n_samples[device], number, settings)
        if not isinstance(offer, Offer):
            return _IMPOSSIBLE
        expected = outlook.expected(device, offer, down_bps, up_bps)
        compute_s = outlook.of_work(device, offer).seconds
        download = float(sum(payload.size_bytes for payload in outlook.lacking(device, offer)))
        travels = bool(offer.needs) or offer.sends is not None
        reachable = covered or not travels
        return _Prospect(
            feasible=reachable and runs and refusal_of_offer(world, device, offer) is None,
            seconds=expected.seconds,
            joules=expected.joules,
            compute_s=compute_s,
            speed_flops=offer.work.flop / compute_s if compute_s > 0.0 else 0.0,
            download_bytes=download,
            kept_download_bytes=self._kept_bytes(device, choice, download) if age else download,
            upload_bytes=float(offer.sends.size_bytes) if offer.sends is not None else 0.0,
        )

    def _kept_bytes(self, device: int, choice: float, download: float) -> float:
        """Return what a device downloads that does not renew."""
        settings = Settings(choice=choice, renew=False)
        offer = self._view.outlook.offer(device, self._n_samples[device], self._view.round_number, settings)
        if not isinstance(offer, Offer):
            return download
        return float(sum(payload.size_bytes for payload in self._view.outlook.lacking(device, offer)))

    def _checked(self, decision: Decision, observation: Observation) -> Decision:
        """Return a decision that asks each device once, and only those that can be asked."""
        devices = decision.devices
        there = set(map(int, observation.devices[observation.available]))
        if len(set(devices)) < len(devices) or not set(devices) <= there:
            wrong = sorted(device for device in set(devices) if devices.count(device) > 1 or device not in there)
            raise MecsimError(
                f"the policy asks devices {wrong} in round {observation.round_number}, who are named twice or cannot be asked: "
                "it may name each device of the observation that is available, once"
            )
        return decision

    def _as_selected(self, decision: Decision, chosen: Sequence[int]) -> Decision:
        """Return a decision on ``chosen`` in their order: updates are merged in the order of selection."""
        by_device = {each.device: each for each in decision.assignments}
        if set(by_device) != set(chosen) or len(decision.assignments) != len(chosen):
            raise MecsimError(
                f"the policy assigns devices {sorted(by_device)}, and the section selection asks {sorted(chosen)}: "
                "a policy that says who takes part needs chooses_devices"
            )
        return Decision(tuple(by_device[device] for device in chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prospect:
    """What one device would do with one choice."""

    feasible: bool
    seconds: float
    joules: float
    compute_s: float
    speed_flops: float
    download_bytes: float
    kept_download_bytes: float
    upload_bytes: float


_IMPOSSIBLE = _Prospect(
    feasible=False,
    seconds=math.inf,
    joules=math.inf,
    compute_s=math.inf,
    speed_flops=0.0,
    download_bytes=0.0,
    kept_download_bytes=0.0,
    upload_bytes=0.0,
)
