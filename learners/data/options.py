"""Options that several datasets share."""

from pydantic import BaseModel, ConfigDict, Field


class ClassificationParams(BaseModel):
    """Options of every dataset with classes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    train_per_class: int | None = Field(default=None, ge=1, description="keep at most this many training samples a class")


class TextParams(ClassificationParams):
    """Options of datasets that may hold texts."""

    max_length: int = Field(default=64, ge=2, description="texts are cut to this many tokens")


class SampleParams(TextParams):
    """Options of datasets that hold texts or images, whichever their columns say."""

    max_samples: int | None = Field(
        default=None, ge=1, description="keep at most this many samples, drawn once and for all; those of a test part all stay"
    )
    size_px: int | None = Field(
        default=None, ge=4, le=1024, description="images are resized to this square; null: they must all have one size"
    )
    colour: bool = Field(default=False, description="images keep their three colours; if not, they become grey")
