"""A small catalog, and a scenario that is valid with it."""

import enum
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

import pytest
from pydantic import BaseModel, Field, model_validator

from mecsim.config.base import ExistingFile
from mecsim.config.catalog import Catalog
from mecsim.config.scenario import PartialScenario
from mecsim.errors import Problem

GOOD = """\
schema: 1
name: quickstart
seed: 1
learning:
  model: tiny-vit-s
  dataset: {name: digits}
  partition: {kind: dirichlet, alpha: 0.5}
network:
  stations:
    - {name: north, position_m: [250, 250], height_m: 10, tx_power_dbm: 33, antenna_gain_dbi: 5, noise_figure_db: 5}
    - {name: south, position_m: [100, 0], height_m: 10, tx_power_dbm: 33, antenna_gain_dbi: 5, noise_figure_db: 5}
  carrier: {frequency_ghz: 3.5, bandwidth_mhz: 20, downlink_share: 0.75}
  path_loss: {kind: umi}
fleet:
  area_m: [500, 500]
  groups:
    - {profile: raspberry-pi-5, count: 8}
    - {profile: phone, count: 4, memory_gb: 0.5}
server: {profile: server-a100}
protocol: {kind: sync, rounds: 15, clients_per_round: 8}
schemes:
  - {name: fedpeft, method: lora, rank: 4}
  - {name: full}
"""


class Rounding(enum.Enum):
    """How sent values are rounded."""

    NEAREST = "nearest"
    RANDOM = "random"


class FedPeft(BaseModel):
    """Train and send what a PEFT method adds."""

    method: Literal["lora", "bias"] = Field(description="The PEFT method.")
    rank: int = Field(default=8, ge=1, description="Rank of LoRA.")
    layers: tuple[int, ...] = Field(default=(), description="Layers that are adapted; empty: all.")
    rounding: Rounding = Field(default=Rounding.NEAREST, description="How sent values are rounded.")

    @model_validator(mode="after")
    def _bias_has_no_rank(self) -> Self:
        if self.method == "bias" and self.rank != 8:
            raise ValueError("rank: no option of method 'bias'")
        return self


class Full(BaseModel):
    """Train and send everything."""

    start: Path | None = Field(default=None, description="Weights to begin with.")


class Digits(BaseModel):
    """Images of digits."""

    size: int = Field(default=8, ge=8, description="Pixels a side.")


class CsvFile(BaseModel):
    """A table in a file."""

    path: ExistingFile = Field(description="The file.")


def memory_check(partial: PartialScenario) -> Iterable[Problem]:
    """Pretend that every scheme needs 0.25 GB, and that nothing of it depends on the dataset."""
    if "learning.model" not in partial or not partial.schemes:
        return
    for i, group in enumerate(partial.get("fleet.groups") or ()):
        if group.memory_gb is not None and group.memory_gb < 0.25:
            yield Problem(
                f"fleet.groups.{i}.memory_gb",
                f"no scheme fits into {group.memory_gb} GB",
                "The smallest, full, needs 0.25 GB.",
            )


@pytest.fixture
def catalog() -> Catalog:
    return Catalog(
        schemes={"fedpeft": FedPeft, "full": Full},
        models={"tiny-vit-s": "a small vision transformer"},
        architectures={"vit-base-16": "ViT-B/16"},
        datasets={"digits": Digits, "csv": CsvFile},
        profiles={"raspberry-pi-5": "a single-board computer", "phone": "a phone"},
        servers={"server-a100": "a server"},
        policies={},
        extra_checks=(memory_check,),
    )


@pytest.fixture
def good() -> str:
    return GOOD
