"""What the world knows of a federated scheme: offers, updates, server steps. No tensor and no clock passes here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mecsim.jobs.job import Job


@dataclass(frozen=True, slots=True)
class Payload:
    """A named, sized thing that travels; two payloads of one name are the same thing, so a device fetches it once."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a computation asks of the machine that runs it."""

    flop: float
    traffic_bytes: float
    peak_bytes: float
    n_steps: int

    def __add__(self, other: "Work") -> "Work":
        """Return the work of one after the other: everything adds, save the peak, which is the higher of the two."""
        return Work(
            flop=self.flop + other.flop,
            traffic_bytes=self.traffic_bytes + other.traffic_bytes,
            peak_bytes=max(self.peak_bytes, other.peak_bytes),
            n_steps=self.n_steps + other.n_steps,
        )


NO_WORK = Work(flop=0.0, traffic_bytes=0.0, peak_bytes=0.0, n_steps=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """What a scheme may know of a device when it makes an offer."""

    client: int
    round: int
    n_samples: int
    memory_budget_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a device would download, compute and upload in this turn. The job is named here, and not run.

    ``sends`` is None where nothing travels back, ``job`` where nothing is learned (a device that uses its model as it is).
    """

    needs: tuple[Payload, ...]
    work: Work
    sends: Payload | None
    job: Job | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a device cannot take the turn: a recorded outcome, with the figure asked for and the one at hand."""

    reason: str
    needed: float
    available: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came back from a device in time: the name of its training."""

    client: int
    n_samples: int
    job: Job


@dataclass(frozen=True, slots=True)
class ServerStep:
    """What the server computes between rounds: simulated work; the scheme keeps the job that it named."""

    work: Work


NO_STEP = ServerStep(NO_WORK)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeFacts:
    """What the summary says of a scheme beside its costs in the world.

    ``account_as`` names the architectures whose costs are counted in place of the trained ones ("" for none),
    ``trainable_parameters`` counts what a device trains, ``inference_flop`` is the work of one query to what is deployed.
    """

    account_as: str
    trainable_parameters: int
    inference_flop: float


class Scheme(Protocol):
    """A federated fine-tuning method as the world sees it: it names jobs and prices them, and runs none."""

    def prepare(self) -> ServerStep:
        """Return the server's work before the first round."""
        ...

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what this device would do now."""
        ...

    def alongside(self, round_number: int) -> ServerStep:
        """Return what the server computes while the devices take their turns; the round waits for both."""
        ...

    def merge(self, updates: Sequence[Update]) -> ServerStep:
        """Take the updates of a round into the server's state; called only with at least one."""
        ...

    def quality(self) -> Job:
        """Return the evaluation of what the scheme would deploy now.

        Its numbers have ``accuracy`` and ``loss``; every other one is recorded as a diagnostic of the round.
        """
        ...

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme."""
        ...
