"""Files of measured links, movement, availability and devices that a scenario may name."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from mecsim.config.base import Config, ExistingFiles, NonNegative, Positive, located, surroundings, unknown_name

#: The column maps that come with mecsim.
PRESETS = ("canonical", "ucc5g", "lumos5g", "sigcomm21", "sigcomm21-walk", "fedscale")


def _named_or_there(preset: str, info: ValidationInfo) -> str:
    if preset in PRESETS:
        return preset
    path = Path(preset)
    if path.name == preset and path.suffix not in (".yaml", ".yml"):
        raise unknown_name("column map", preset, dict.fromkeys(PRESETS))
    return str(located(path, surroundings(info).folder))


Preset = Annotated[
    str,
    AfterValidator(_named_or_there),
    Field(description=f"Columns of the files: {', '.join(PRESETS)}, or a YAML file of your own."),
]


class LinkTraceFiles(Config):
    """Measured rates; device i follows trace i, and from the beginning again where there are fewer traces than devices."""

    files: ExistingFiles = Field(min_length=1, description="Files with the measurements; * stands for any text.")
    preset: Preset = "canonical"
    contains_sharing: bool = Field(
        default=True,
        description="true: a measured rate is what one user got among others, and is not shared again; "
        "false: it is the cell's rate for one user alone.",
    )
    loop: bool = Field(
        default=True, description="Whether a trace begins again at its end; otherwise there is no rate after it."
    )
    shift_s: NonNegative = Field(
        default=0.0, description="Seconds that each further device that follows a trace is ahead in it."
    )
    scale: Positive = Field(default=1.0, description="Factor on all rates.")
    uplink_share: float | None = Field(
        default=None,
        gt=0.0,
        le=1.0,
        description="Take the uplink as this share of the downlink (logs of downloads hardly have any); null: as measured.",
    )
    hold_s: NonNegative = Field(default=5.0, description="Seconds for which the last value stands in for missing ones.")


class TraceFiles(Config):
    """Files of one kind of trace."""

    files: ExistingFiles = Field(min_length=1, description="Files with the rows; * stands for any text.")
    preset: Preset = "canonical"


AfterTrace = Literal["loop", "hold"]
