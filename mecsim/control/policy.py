"""What a control policy is: from an observation to a decision, once a round; and the policies that a scenario can name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from mecsim.control.observation import Observation
from mecsim.knobs import AS_IT_IS, Settings
from mecsim.registry import Registry
from mecsim.rng import Streams

#: What a policy that was trained brings along, beside its own files.
SURROGATE_FILE, POINTS_FILE, CURVE_FILE = "surrogate.json", "surrogate.csv", "curve.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A device that is asked, and how it takes its turn.

    ``bandwidth`` is its weight when the cell is divided (``network.sharing`` weighted or assigned), ``power_db`` what is added
    to its largest transmit power: 0 or less.
    """

    device: int
    settings: Settings = AS_IT_IS
    bandwidth: float = 1.0
    power_db: float = 0.0

    def __post_init__(self) -> None:
        if not self.bandwidth > 0.0:
            raise ValueError(f"a bandwidth weight must be above 0, got {self.bandwidth}")
        if not self.power_db <= 0.0:
            raise ValueError(f"power_db takes from the largest power, so it must be 0 or less, got {self.power_db}")


@dataclass(frozen=True, slots=True)
class Decision:
    """Who is asked in a round, each device once, and how. Of more than may be asked, the first are."""

    assignments: tuple[Assignment, ...]

    @property
    def devices(self) -> tuple[int, ...]:
        """The devices, in order."""
        return tuple(each.device for each in self.assignments)


class Policy(Protocol):
    """Decides round by round; one object for each trial, so it may remember.

    ``chooses_devices``: the observation is of everybody who might be asked (of a large fleet, of 1,000 drawn at random), and
    the decision says who is; otherwise it is of those whom the scenario's ``selection`` asks, and all of them are assigned.
    ``asks_quality``: observations have the accuracy, so the world waits for its training.
    """

    chooses_devices: bool
    asks_quality: bool

    def decide(self, observation: Observation) -> Decision:
        """Return who is asked and how. What is not feasible would be refused by the device."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """What a policy may depend on beside its parameters.

    ``rehearse`` plays the trial's whole world with the decisions of a script (round 1 first) and returns the objective, with
    the quality that the surrogate at a path foretells, or not a number if a device refuses: for policies that search.
    ``sharing`` is the kind of the network's.
    """

    streams: Streams
    choices: tuple[float, ...]
    default: int
    n_asked: int
    n_rounds: int
    n_devices: int
    sharing: str
    rehearse: Callable[["Script", Path], float]


#: The decisions of all rounds, the first round's first.
Script = tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEntry:
    """A policy as the catalogue lists it.

    ``divides`` and ``powers`` say from the parameters whether it sets bandwidth weights, and transmit power; ``asks_quality``
    whether worlds under it wait for their training. ``surrogate_of`` names the file of the surrogate of quality that it brings;
    beside that file may be the points that it was fitted to (``POINTS_FILE``) and the course of a training (``CURVE_FILE``).
    """

    description: str
    params: type[BaseModel]
    create: Callable[[Any, PolicyContext], Policy]
    divides: Callable[[Any], bool] = lambda params: False
    powers: Callable[[Any], bool] = lambda params: False
    asks_quality: Callable[[Any], bool] = lambda params: False
    surrogate_of: Callable[[Any], Path | None] = lambda params: None


POLICIES: Registry[PolicyEntry] = Registry("policy")
