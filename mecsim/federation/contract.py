"""What the world knows of a federated scheme: offers, updates, server steps. No tensor and no clock passes here."""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from mecsim.errors import MecsimError
from mecsim.jobs.job import Job
from mecsim.knobs import AS_IT_IS as AS_IT_IS
from mecsim.knobs import Knob as Knob
from mecsim.knobs import Settings as Settings

#: What a scheme may be run under: when updates enter the server's state, and which server that is.
PROTOCOLS = ("sync", "deadline", "buffered", "async", "hierarchical")
#: Those whose rounds end with the average of what came back: all that a scheme needs to know is ``merge``.
ROUND_PROTOCOLS = frozenset({"sync", "deadline"})


class SchemeError(MecsimError):
    """A scheme cannot do what a protocol asks of it; the message says which protocols fit."""


def refusal_of(scheme: str, reason: str, fitting: Sequence[str] | frozenset[str] = ROUND_PROTOCOLS) -> SchemeError:
    """Return the error of a ``scheme`` that a protocol does not fit, for a ``reason``, with the protocols that do."""
    named = [name for name in PROTOCOLS if name in fitting]
    return SchemeError(f"{scheme}: {reason}; or set protocol.kind to one of {', '.join(named)}")


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
    n_samples: int = 0  # samples processed, each as often as there are epochs: what models that price samples go by

    def __add__(self, other: "Work") -> "Work":
        """Return the work of one after the other: everything adds, save the peak, which is the higher of the two."""
        return Work(
            flop=self.flop + other.flop,
            traffic_bytes=self.traffic_bytes + other.traffic_bytes,
            peak_bytes=max(self.peak_bytes, other.peak_bytes),
            n_steps=self.n_steps + other.n_steps,
            n_samples=self.n_samples + other.n_samples,
        )


NO_WORK = Work(flop=0.0, traffic_bytes=0.0, peak_bytes=0.0, n_steps=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """What a scheme may know of a device when it makes an offer.

    ``settings`` is what a control policy has decided for it, ``held`` the names of the payloads that it has kept.
    """

    client: int
    round: int
    n_samples: int
    memory_budget_bytes: float
    settings: Settings = AS_IT_IS
    held: Container[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a device would download, compute and upload in this turn. The job is named here, and not run.

    ``sends`` is None where nothing travels back, ``job`` where nothing is learned (a device that uses its model as it is).
    ``base`` is the state that the training starts from, where the scheme can merge differences from it. ``choice`` is that of
    the scheme's knob, ``age`` by how many versions what the device trains around is behind the newest one.
    """

    needs: tuple[Payload, ...]
    work: Work
    sends: Payload | None
    job: Job | None
    base: Job | None = None
    choice: float | None = None
    age: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a device cannot take the turn: a recorded outcome, with the figure asked for and the one at hand."""

    reason: str
    needed: float
    available: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What came back from a device: the name of its training, and of the state that it started from.

    ``staleness`` counts the merges since then; ``weight``, from 0, is what the protocol makes of it.
    """

    client: int
    n_samples: int
    job: Job
    base: Job | None = None
    staleness: int = 0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How updates enter the state.

    ``replace``: their weighted mean takes its place (FedAvg). ``mix``: (1 - rate) state + rate x mean (FedAsync, Xie et al.,
    2019). ``deltas``: state + rate x mean of weight x (update - base) (FedBuff, Nguyen et al., 2022). A mean of states is
    weighted by samples, or as the scheme says, times the updates' own weights; that of deltas by these alone. A ValueError says
    which rates there are: 1 for replace, up to 1 for mix, and any above 0 for deltas.
    """

    kind: Literal["replace", "mix", "deltas"] = "replace"
    rate: float = 1.0

    def __post_init__(self) -> None:
        highest = {"replace": 1.0, "mix": 1.0, "deltas": math.inf}[self.kind]
        if not 0.0 < self.rate <= highest or not math.isfinite(self.rate) or (self.kind == "replace" and self.rate != 1.0):
            allowed = {"replace": "1", "mix": "above 0 and at most 1", "deltas": "above 0"}[self.kind]
            raise ValueError(f"the rate of {self.kind} is {allowed}, got {self.rate}")


REPLACE = Blend()


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
    """A federated fine-tuning method as the world sees it: it names jobs and prices them, and runs none.

    A SchemeError is raised for what makes no sense in a scheme: a blend other than ``replace``, a branch.
    """

    def prepare(self) -> ServerStep:
        """Return the server's work before the first round."""
        ...

    def offer(self, client: ClientView) -> Offer | Refusal:
        """Return what this device would do now."""
        ...

    def knob(self) -> Knob | None:
        """Return what may be set for each device; None where all get the same."""
        ...

    def ages(self, held: Container[str]) -> tuple[int | None, ...]:
        """Return, for each choice of the knob, by how many versions what a device holds is behind; None where it holds none."""
        ...

    def alongside(self, round_number: int) -> ServerStep:
        """Return what the server computes while the devices take their turns; the round waits for both.

        Called once a round, before the first offer, under a protocol that has rounds: synchronous, deadline, and hierarchical
        (of the cloud's scheme, not of its branches). Buffered and asynchronous have no round to wait for, and never call it.
        """
        ...

    def merge(self, updates: Sequence[Update], blend: Blend = REPLACE) -> ServerStep:
        """Take ``updates`` into the server's state as ``blend`` says; called only with at least one."""
        ...

    def branch(self) -> Self:
        """Return what an edge server holds: the state as it is now, which goes its own way by ``offer`` and ``merge``.

        Several at once share what is known of single devices. What the cloud alone can do (tune, distil) a branch does not.
        """
        ...

    def join(self, branches: Sequence[tuple[Self, float]]) -> ServerStep:
        """Take the mean of the branches' states as the state; at least one weight is above 0.

        A branch's weight is in samples: those behind the updates that it merged. It is used up: the next edge round begins with
        a new one.
        """
        ...

    def exchange(self) -> Payload:
        """Return what a branch and the cloud send each other: the state, as it is now."""
        ...

    def client_loss(self, client: int) -> Job | None:
        """Return the evaluation of what the device would get now on its own samples: its number ``loss`` is the mean.

        None where a device has no samples, or nothing that it could evaluate.
        """
        ...

    def quality(self) -> Job:
        """Return the evaluation of what the scheme would deploy now.

        Its numbers have ``accuracy`` and ``loss``; every other one is recorded as a diagnostic of the round.
        """
        ...

    def facts(self) -> SchemeFacts:
        """Return what the summary says of the scheme."""
        ...
