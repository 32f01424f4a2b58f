"""One device's turn: check, download, compute, upload. It spends simulated time and names the work; it trains nothing."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from mecsim.federation.contract import ClientView, Offer, Payload, Refusal, Scheme, Update
from mecsim.nodes.world import Transfer, World


@dataclass(slots=True)
class Turn:
    """What happened in a turn; filled in as it goes, and complete when the turn's process ends."""

    device: int
    n_samples: int
    start_s: float
    outcome: str = "completed"
    reason: str = ""
    peak_bytes: float = 0.0
    setup_energy_j: float = 0.0
    downloads: list[tuple[Payload, Transfer]] = field(default_factory=list)
    uploads: list[tuple[Payload, Transfer]] = field(default_factory=list)
    download_s: float = 0.0
    compute_s: float = 0.0
    compute_energy_j: float = 0.0
    upload_s: float = 0.0
    end_s: float = 0.0
    update: Update | None = None

    def end(self, now_s: float, outcome: str, reason: str = "") -> "Turn":
        """Close the turn with its outcome."""
        self.end_s, self.outcome, self.reason = now_s, outcome, reason
        return self


def client_turn(
    world: World, scheme: Scheme, *, device: int, n_samples: int, round_number: int
) -> Generator[simpy.Event, Any, Turn]:
    """Let ``device`` take its turn and return what happened.

    Memory and, where something travels, coverage are checked before anything is sent: a refusal costs no time, byte or joule.
    """
    turn = Turn(device, n_samples, world.env.now)
    offer = scheme.offer(client_view(world, device=device, n_samples=n_samples, round_number=round_number))
    if isinstance(offer, Offer):
        turn.peak_bytes = offer.work.peak_bytes
        offer = memory_refusal(offer, world.fleet.group(device).memory_budget_bytes) or offer
    if isinstance(offer, Refusal):
        return turn.end(world.env.now, "refused", in_words(offer))
    if offer.needs or offer.sends is not None:
        if not world.in_coverage(device):
            return turn.end(world.env.now, "out_of_coverage", "no rate on the radio link")
        turn.setup_energy_j = yield from world.connect(device)
    yield from _fetch(world, turn, offer)
    done = yield from world.compute(
        device, flop=offer.work.flop, traffic_bytes=offer.work.traffic_bytes, n_steps=offer.work.n_steps
    )
    turn.compute_s, turn.compute_energy_j = done.duration_s, done.energy_j
    if offer.sends is not None:
        sent = yield from world.transfer(device, offer.sends.size_bytes, "uplink")
        turn.uploads.append((offer.sends, sent))
        turn.upload_s = sent.end_s - sent.start_s
    if offer.job is not None:
        turn.update = Update(client=device, n_samples=n_samples, job=offer.job)
    return turn.end(world.env.now, "completed")


def client_view(world: World, *, device: int, n_samples: int, round_number: int) -> ClientView:
    """Return what a scheme may know of a device."""
    budget = world.fleet.group(device).memory_budget_bytes
    return ClientView(client=device, round=round_number, n_samples=n_samples, memory_budget_bytes=budget)


def memory_refusal(offer: Offer, memory_budget_bytes: float) -> Refusal | None:
    """Return why the work does not fit the memory budget, or None when it does; a work of exactly the budget fits."""
    if offer.work.peak_bytes <= memory_budget_bytes:
        return None
    return Refusal(reason="memory", needed=offer.work.peak_bytes, available=memory_budget_bytes)


def in_words(refusal: Refusal) -> str:
    """Return what a refusal says in a record: memory in GB, anything else in its own numbers."""
    unit, suffix = (1e9, " GB") if refusal.reason == "memory" else (1.0, "")
    return f"{refusal.reason}: needs {refusal.needed / unit:.4g}{suffix}, has {refusal.available / unit:.4g}{suffix}"


def _fetch(world: World, turn: Turn, offer: Offer) -> Generator[simpy.Event, Any, None]:
    """Download what the device does not hold yet, one payload after the other."""
    start_s = turn.start_s
    held = world.fleet.held_by(turn.device)
    for payload in offer.needs:
        if payload.name in held:
            continue
        got = yield from world.transfer(turn.device, payload.size_bytes, "downlink")
        turn.downloads.append((payload, got))
        held.add(payload.name)
    turn.download_s = world.env.now - start_s
