"""The sections ``protocol`` and ``selection``: when rounds open and close, and who is asked."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive

PROTOCOL_KINDS = {
    "sync": "synchronous rounds: a round closes when every device that was asked has answered or failed",
    "deadline": "synchronous rounds that ask more devices than they need, and close when enough answered or at a deadline",
    "buffered": "buffered asynchronous (FedBuff): devices start one after the other, the server merges every K updates",
    "async": "asynchronous (FedAsync): the server mixes in each update as it comes, stale ones with less weight",
    "hierarchical": "stations average their own devices' updates for some rounds, then the cloud averages the stations",
}


class Rounds(Config):
    """What all protocols have."""

    rounds: int = Field(ge=1, description="Number of rounds; where there are none, of merges.")
    clients_per_round: int = Field(ge=1, description="Devices asked in a round, or at work at once; at most all of them.")
    evaluate_every: int = Field(default=1, ge=1, description="Rounds between two evaluations.")
    stop_after_h: float | None = Field(
        default=None, gt=0.0, description="Simulated hours after which the study ends; null: never."
    )


class SyncProtocol(Rounds):
    """A round closes when every device that was asked has answered or failed."""

    kind: Literal["sync"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['sync']}.")


class FixedDeadline(Config):
    """The same time for every round."""

    kind: Literal["fixed"] = Field(description="The kind of deadline: a fixed time.")
    seconds: Positive = Field(description="Seconds from the opening of a round to its end.")


class AdaptiveDeadline(Config):
    """A deadline by what turns took so far."""

    kind: Literal["adaptive"] = Field(description="The kind of deadline: by the turns of the rounds before.")
    percentile: float = Field(default=80.0, gt=0.0, le=100.0, description="Percentile of the turn times that still makes it.")
    slack: float = Field(default=1.1, ge=1.0, description="Factor on that percentile.")


class DeadlineProtocol(Rounds):
    """A round asks more devices than it needs; late answers are dropped."""

    kind: Literal["deadline"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['deadline']}.")
    deadline: Annotated[FixedDeadline | AdaptiveDeadline, Field(discriminator="kind")] = Field(
        description="When a round closes."
    )
    over_selection: float = Field(default=1.3, ge=1.0, description="Devices asked for each one that is needed.")


class BufferedProtocol(Rounds):
    """FedBuff: devices are always at work, and the server merges every so many updates."""

    kind: Literal["buffered"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['buffered']}.")
    buffer: int = Field(default=10, ge=1, description="Updates in a merge (K).")
    server_rate: Positive = Field(default=1.0, description="Factor on the mean of the buffered differences.")
    staleness_exponent: NonNegative = Field(default=0.5, description="a in the weight (1 + staleness)^-a of an update.")


class AsyncProtocol(Rounds):
    """FedAsync: each update is mixed in when it comes."""

    kind: Literal["async"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['async']}.")
    mixing: float = Field(default=0.6, gt=0.0, le=1.0, description="Share of a fresh update in the new state.")
    staleness_exponent: NonNegative = Field(default=0.5, description="a in the factor (1 + staleness)^-a on that share.")
    max_staleness: int | None = Field(default=None, ge=0, description="Updates staler than this are dropped; null: none is.")


class HierarchicalProtocol(Rounds):
    """Stations average the updates of their own devices; the cloud averages the stations every few rounds."""

    kind: Literal["hierarchical"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['hierarchical']}.")
    edge_rounds: int = Field(default=2, ge=1, description="Rounds of a station between two averages of the cloud.")


Protocol = Annotated[
    SyncProtocol | DeadlineProtocol | BufferedProtocol | AsyncProtocol | HierarchicalProtocol, Field(discriminator="kind")
]

SELECTION_KINDS = {
    "uniform": "at random",
    "round-robin": "one after the other",
    "best-channel": "the best downlinks first",
    "fastest": "those expected to finish first",
    "energy-aware": "those with enough battery that need the fewest joules",
    "power-of-choice": "of some candidates, those with the highest loss",
    "availability-aware": "those available now that are likely to stay",
}


class SimpleSelection(Config):
    """Devices are picked without looking at them."""

    kind: Literal["uniform", "round-robin"] = Field(description="Who is asked: uniform (at random), or round-robin.")


class RankedSelection(Config):
    """Candidates are drawn at random, and the best of them are asked."""

    kind: Literal["best-channel", "fastest", "power-of-choice", "availability-aware"] = Field(
        description=f"Who is asked: {'; '.join(f'{kind}: {what}' for kind, what in SELECTION_KINDS.items())}."
    )
    candidates: int | None = Field(
        default=None,
        ge=1,
        description="Devices that are looked at, drawn at random; null: 1,000, and for power-of-choice twice those asked.",
    )


class EnergyAwareSelection(Config):
    """Of candidates drawn at random, those that need the fewest joules and have enough charge."""

    kind: Literal["energy-aware"] = Field(description=f"Who is asked: {SELECTION_KINDS['energy-aware']}.")
    candidates: int | None = Field(
        default=None, ge=1, description="Devices that are looked at, drawn at random; null: all, at most 1,000."
    )
    battery_floor: float = Field(default=0.3, ge=0.0, le=1.0, description="Share of charge below which a device is not asked.")


Selection = Annotated[SimpleSelection | RankedSelection | EnergyAwareSelection, Field(discriminator="kind")]
