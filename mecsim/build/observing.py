"""What a control policy observes of a trial's world: columns of numbers, made of offers and expectations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mecsim.build.view import FleetView
from mecsim.control.class_mix import ClassMix
from mecsim.control.observation import Devices, Floats, Observation
from mecsim.federation.contract import AS_IT_IS, Knob, Offer, Scheme, Settings
from mecsim.federation.rounds import Round
from mecsim.federation.turn import refusal_of_offer
from mecsim.nodes.attachment import LinkState
from mecsim.nodes.world import World

#: The knob of a scheme that has none: one choice, which says nothing.
NO_KNOB = Knob(name="", choices=(0.0,), default=0.0)


class Observer:
    """Looks at the devices of a trial, and remembers what came back from them."""

    def __init__(
        self,
        world: World,
        scheme: Scheme,
        view: FleetView,
        n_samples: Sequence[int],
        *,
        histogram: Sequence[Sequence[int]] | None,
        n_rounds: int,
        asks_quality: bool,
    ) -> None:
        self._world, self._scheme, self._view, self._n_samples = world, scheme, view, n_samples
        self._n_rounds, self._asks_quality = n_rounds, asks_quality
        self._has_knob = scheme.knob() is not None
        self.knob = scheme.knob() or NO_KNOB
        self._n_updates: Floats = np.zeros(len(world.fleet))
        self._last_round: Floats = np.zeros(len(world.fleet))
        self._round_s = 0.0
        self._classes = ClassMix(histogram)

    def learn(self, each: Round) -> None:
        """Take note of a round that has closed."""
        merged = [turn.device for turn in each.turns if turn.update is not None]
        for device in merged:
            self._n_updates[device] += 1
            self._last_round[device] = each.number
        self._classes.learn(merged)
        self._round_s = each.closed_at_s - each.opened_at_s if each.number else 0.0

    def observe(self, number: int, n: int, devices: Devices) -> Observation:
        """Return what there is to see of ``devices`` before round ``number``, of which at most ``n`` may be asked."""
        world, view = self._world, self._view
        view.round_number = number
        available = view.available(devices)
        down_bps, up_bps = view.rates(devices)
        world.look_at([int(device) for device in devices])
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
            accuracy=view.accuracy() if self._asks_quality else math.nan,
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
            overlap=self._classes.overlap(devices),
            novelty=self._classes.novelty(devices),
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
        work = outlook.of_work(device, offer)
        expected, compute_s = outlook.expected(device, offer, down_bps, up_bps, work), work.seconds
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
