"""The whole scenario, and the view of it that checks have while parts of it are not valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from mecsim.config.base import Config
from mecsim.config.behaviour import Faults
from mecsim.config.entries import SchemeEntry
from mecsim.config.fleet import Energy, Fleet, Server
from mecsim.config.learning import AnyLearning, Learning
from mecsim.config.network import Network
from mecsim.config.objective import Objective
from mecsim.config.protocol import Protocol, Selection, SimpleSelection
from mecsim.config.sweep import AnyAxis

Seed = Annotated[int, Field(ge=0)]
ModuleName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]


class Seeds(Config):
    """Seeds of the three groups of random streams."""

    world: Seed | None = Field(default=None, description="Seed of places, channels and selection; null: the scenario's seed.")
    data: Seed | None = Field(default=None, description="Seed of the split of the data; null: the scenario's seed.")
    learning: Seed | None = Field(default=None, description="Seed of initial weights and batches; null: the scenario's seed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSeeds:
    """The seeds of one replication, none left open."""

    world: int
    data: int
    learning: int


class Scenario(Config):
    """A study of federated fine-tuning at the mobile edge."""

    schema_version: Literal[1] = Field(alias="schema", description="Version of this format.")
    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
        max_length=80,
        description="Name of the study and its folder: lower case letters, digits, '.', '_' and '-', a letter or digit first.",
    )
    seed: Seed = Field(description="Root of all random streams.")
    seeds: Seeds = Field(default=Seeds(), description="Seeds that differ from the scenario's seed.")
    replications: int = Field(default=1, ge=1, description="Trials of each scheme; replication k adds k to every seed, from 0.")
    target_accuracy: float | None = Field(
        default=None, gt=0.0, le=1.0, description="Accuracy whose time, energy and bytes are reported; null: none is."
    )
    objective: Objective | None = Field(
        default=None, description="What a trial costs in one number, and what policies learn to lower; null: none."
    )
    plugins: tuple[ModuleName, ...] = Field(
        default=(), description="Python modules to import first; they may add to the catalog."
    )
    learning: AnyLearning = Field(description="What is learned, from which data, and how a device trains.")
    network: Network = Field(description="Stations, carrier, propagation, sharing, transport and backhaul.")
    fleet: Fleet = Field(description="The devices and the area that they are in.")
    server: Server = Field(description="The machine that coordinates.")
    energy: Energy = Field(default=Energy(), description="What is counted beside the devices' energy.")
    faults: Faults = Field(default=Faults(), description="What goes wrong.")
    protocol: Protocol = Field(description="When rounds open and close.")
    selection: Selection = Field(default=SimpleSelection(kind="uniform"), description="Which devices are asked.")
    schemes: tuple[SchemeEntry, ...] = Field(min_length=1, description="The schemes to compare.")
    sweep: tuple[AnyAxis, ...] = Field(
        default=(), description="Axes along which the scenario is varied, every combination of their points; none: no sweep."
    )

    @property
    def trained(self) -> Learning:
        """The section ``learning`` of a study that trains; asked of no other."""
        if not isinstance(self.learning, Learning):
            raise TypeError("this scenario trains nothing: its learning is synthetic")
        return self.learning

    def n_asked(self, index: int) -> int:
        """Return how many devices scheme ``index`` asks in a round."""
        return self.schemes[index].clients_per_round or self.protocol.clients_per_round

    def trial_seeds(self, replication: int = 0) -> TrialSeeds:
        """Return the seeds of a replication, counted from 0."""
        given = self.seeds.model_dump()
        return TrialSeeds(**{group: (self.seed if seed is None else seed) + replication for group, seed in given.items()})


class PartialScenario:
    """The valid parts of a scenario that may have mistakes elsewhere.

    ``schemes`` has the valid scheme entries by their position in the file.
    """

    def __init__(self, parts: Mapping[str, Any], schemes: Mapping[int, SchemeEntry]) -> None:
        self._parts = dict(parts)
        self.schemes = dict(schemes)

    @classmethod
    def whole(cls, scenario: Scenario) -> "PartialScenario":
        """Return the view of a scenario in which everything is valid."""
        parts = {field.alias or name: getattr(scenario, name) for name, field in Scenario.model_fields.items()}
        return cls(parts, dict(enumerate(scenario.schemes)))

    def get(self, key: str) -> Any:
        """Return the value at a dotted key such as "fleet" or "learning.local"; None where it is not valid."""
        if key in self._parts:
            return self._parts[key]
        head, _, last = key.rpartition(".")
        return getattr(self.get(head), last, None) if head else None

    def is_valid(self, key: str) -> bool:
        """Return whether the value at a dotted key is valid, also where it is null."""
        head, _, last = key.rpartition(".")
        return key in self._parts or (bool(head) and hasattr(self.get(head), last))

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key: str) -> Any:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value
