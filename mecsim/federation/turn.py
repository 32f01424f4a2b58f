"""One device's turn: check, download, compute, upload. It spends simulated time and names the work; it trains nothing."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from mecsim.control.policy import Assignment
from mecsim.federation.contract import AS_IT_IS, ClientView, Offer, Payload, Refusal, Scheme, Settings, Update, Work
from mecsim.nodes.attachment import LinkState
from mecsim.nodes.instants import after_all_else
from mecsim.nodes.meter import RadioUse
from mecsim.nodes.stop import Stop, StoppedError
from mecsim.nodes.transfer import End, Transfer
from mecsim.nodes.world import Computation, World

_UNITS = {"memory": (1e9, " GB"), "storage": (1e9, " GB"), "battery": (1e3, " kJ")}


@dataclass(slots=True)
class Turn:
    """What happened in a turn; filled in as it goes, and complete when the turn's process ends.

    ``link`` is the device's at the start. The radio's tail may go on after the turn. ``choice`` and ``age`` are the offer's.
    """

    assignment: Assignment
    n_samples: int
    start_s: float
    link: LinkState
    outcome: str = "completed"
    reason: str = ""
    peak_bytes: float = 0.0
    choice: float | None = None
    age: int = 0
    radio: RadioUse = field(default_factory=RadioUse)
    computation: Computation = field(default_factory=Computation)
    downloads: list[tuple[Payload, Transfer]] = field(default_factory=list)
    uploads: list[tuple[Payload, Transfer]] = field(default_factory=list)
    download_s: float = 0.0
    upload_s: float = 0.0
    end_s: float = 0.0
    update: Update | None = None

    def end(self, now_s: float, outcome: str, reason: str = "") -> "Turn":
        """Close the turn with its outcome."""
        self.end_s, self.outcome, self.reason = now_s, outcome, reason
        return self

    @property
    def device(self) -> int:
        """The device whose turn it is."""
        return self.assignment.device

    @property
    def compute_s(self) -> float:
        """Seconds of computing."""
        return self.computation.duration_s

    @property
    def compute_energy_j(self) -> float:
        """Joules of computing, above idle."""
        return self.computation.energy_j

    @property
    def transfers(self) -> list[tuple[Payload, Transfer]]:
        """All payloads, in the order in which they travelled."""
        return [*self.downloads, *self.uploads]


def client_turn(
    world: World, scheme: Scheme, *, assignment: Assignment, n_samples: int, round_number: int, to: End = "server"
) -> Generator[simpy.Event, Any, Turn]:
    """Let a device take its turn as assigned and return what happened. An interrupt with a ``Stop`` ends it with that outcome.

    Whether it can be reached, memory, storage, charge and, where something travels, coverage are checked before anything is
    sent: a refusal costs no time, byte or joule. What had been downloaded completely is kept, whatever comes after.
    """
    device = assignment.device
    turn = Turn(assignment, n_samples, float(world.env.now), world.link_now(device))
    if not world.available(np.array([device]), turn.start_s)[0]:
        return turn.end(turn.start_s, "offline", "not available when it was asked")
    if not world.runs(device, turn.start_s):
        return turn.end(turn.start_s, "offline", "down after a crash when it was asked")
    offer = _checked_offer(world, scheme, turn, round_number)
    if isinstance(offer, Refusal):
        return turn.end(turn.start_s, "refused", in_words(offer))
    travels = bool(offer.needs) or offer.sends is not None
    if travels and not world.in_coverage(device, turn.link):
        return turn.end(turn.start_s, "lost", "outage: no rate on the radio link")
    _watch(world, device)
    try:
        yield from _phases(world, turn, offer, to, travels=travels)
    except StoppedError as error:
        return turn.end(float(world.env.now), error.stop.outcome, error.stop.reason)
    except simpy.Interrupt as interrupt:
        return turn.end(float(world.env.now), interrupt.cause.outcome, interrupt.cause.reason)
    if offer.job is not None:
        turn.update = Update(client=device, n_samples=n_samples, job=offer.job, base=offer.base)
    return turn.end(float(world.env.now), "completed")


def client_view(world: World, *, device: int, n_samples: int, round_number: int, settings: Settings = AS_IT_IS) -> ClientView:
    """Return what a scheme may know of a device."""
    return ClientView(
        client=device,
        round=round_number,
        n_samples=n_samples,
        memory_budget_bytes=world.fleet.memory_of(device),
        settings=settings,
        held=world.fleet.holdings.get(device, {}),
    )


def refusal_of_offer(world: World, device: int, offer: Offer) -> Refusal | None:
    """Return why a device cannot do what it is offered: memory, storage or charge; None when it can."""
    return (
        memory_refusal(offer.work, world.fleet.memory_of(device))
        or _storage_refusal(world, device, offer)
        or _battery_refusal(world, device)
    )


def memory_refusal(work: Work, memory_budget_bytes: float) -> Refusal | None:
    """Return why the work does not fit the memory budget, or None when it does; a work of exactly the budget fits."""
    if work.peak_bytes <= memory_budget_bytes:
        return None
    return Refusal(reason="memory", needed=work.peak_bytes, available=memory_budget_bytes)


def in_words(refusal: Refusal) -> str:
    """Return what a refusal says in a record: GB or kJ, anything else in its own numbers."""
    unit, suffix = _UNITS.get(refusal.reason, (1.0, ""))
    return f"{refusal.reason}: needs {refusal.needed / unit:.4g}{suffix}, has {refusal.available / unit:.4g}{suffix}"


def _checked_offer(world: World, scheme: Scheme, turn: Turn, round_number: int) -> Offer | Refusal:
    device = turn.device
    settings = turn.assignment.settings
    view = client_view(world, device=device, n_samples=turn.n_samples, round_number=round_number, settings=settings)
    offer = scheme.offer(view)
    if isinstance(offer, Refusal):
        return offer
    turn.peak_bytes, turn.choice, turn.age = offer.work.peak_bytes, offer.choice, offer.age
    return refusal_of_offer(world, device, offer) or offer


def _storage_refusal(world: World, device: int, offer: Offer) -> Refusal | None:
    needed = float(sum(payload.size_bytes for payload in offer.needs))
    available = world.fleet.storage_of(device)
    return Refusal(reason="storage", needed=needed, available=available) if needed > available else None


def _battery_refusal(world: World, device: int) -> Refusal | None:
    batteries, least = world.fleet.batteries, world.fleet.group(device).least_charge
    if batteries is None or not batteries.has_battery(device):
        return None
    level_j = float(batteries.level_j(np.array([device]), float(world.env.now))[0])
    least_j = least * float(batteries.capacity_j[device])
    return Refusal(reason="battery", needed=least_j, available=level_j) if level_j < least_j else None


def _watch(world: World, device: int) -> None:
    """Set a timer for what will end the turn from outside, if it lasts that long: a crash, or the device's leaving.

    What ends at that very instant has ended.
    """
    now_s, process = float(world.env.now), world.env.active_process
    crash_s, leave_s = world.crashes_s(device, now_s), world.leaves_s(device, now_s)
    at_s = min(crash_s, leave_s)
    if math.isinf(at_s) or process is None:
        return
    stop = Stop("lost", "crash: the device crashed") if crash_s <= leave_s else Stop("lost", "offline: the device left")
    timer = after_all_else(world.env, at_s - now_s)
    timer.callbacks.append(lambda _: process.interrupt(stop) if process.is_alive else None)


def _phases(world: World, turn: Turn, offer: Offer, to: End, *, travels: bool) -> Generator[simpy.Event, Any, None]:
    try:
        if travels:
            yield from world.connect(turn.device, turn.radio, to)
        yield from _fetch(world, turn, offer, to)
    finally:
        turn.download_s = float(world.env.now) - turn.start_s
    work = offer.work
    yield from world.compute(
        turn.device,
        turn.computation,
        flop=work.flop,
        traffic_bytes=work.traffic_bytes,
        n_steps=work.n_steps,
        n_samples=work.n_samples,
    )
    if offer.sends is not None:
        start_s = float(world.env.now)
        record = Transfer("uplink", offer.sends.size_bytes, start_s)
        turn.uploads.append((offer.sends, record))
        try:
            yield from world.transfer(turn.device, record, turn.radio, to)
        finally:
            turn.upload_s = float(world.env.now) - start_s


def _fetch(world: World, turn: Turn, offer: Offer, to: End) -> Generator[simpy.Event, Any, None]:
    """Download what the device does not hold yet, one payload after the other."""
    needed = [payload.name for payload in offer.needs]
    for payload in offer.needs:
        if payload.name in world.fleet.held_by(turn.device):
            continue
        record = Transfer("downlink", payload.size_bytes, float(world.env.now))
        turn.downloads.append((payload, record))
        yield from world.transfer(turn.device, record, turn.radio, to)
        world.fleet.keep(turn.device, payload.name, payload.size_bytes, needed)
