"""What a dataset holds before any model sees it: samples, their labels, and who wrote them. Numpy alone."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mecsim.errors import JobError

Task = Literal["image-classification", "text-classification", "language-modelling"]

TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The samples of a dataset, in an order that its digest pins.

    Exactly one of ``images`` (grey or colour values 0..1, float32, (n, channels, height, width)), ``texts`` (n strings) and
    ``windows`` (bytes of text, uint8, (n, length)) is given. ``labels`` (n,) are the classes; those of windows are the groups,
    so that a split by label is one by source. ``groups`` (n,) says who naturally owns a sample, as an index into
    ``group_names``. ``test`` and ``public`` (n,), where given, mark what the dataset itself sets apart for these splits.
    """

    labels: NDArray[np.int64]
    images: NDArray[np.float32] | None = None
    texts: tuple[str, ...] | None = None
    windows: NDArray[np.uint8] | None = None
    groups: NDArray[np.int64] | None = None
    group_names: tuple[str, ...] = ()
    test: NDArray[np.bool_] | None = None
    public: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        given = [part for part in (self.images, self.texts, self.windows) if part is not None]
        if len(given) != 1 or len(given[0]) != len(self.labels):
            raise JobError(f"a dataset needs images, texts or windows, one for each of its {len(self.labels)} labels")
        for name in ("groups", "test", "public"):
            marks = getattr(self, name)
            if marks is not None and len(marks) != len(self.labels):
                raise JobError(f"a dataset with {len(self.labels)} samples cannot have {len(marks)} {name}")

    @property
    def task(self) -> Task:
        """Return what the content is for."""
        if self.images is not None:
            return "image-classification"
        return "text-classification" if self.texts is not None else "language-modelling"

    def __len__(self) -> int:
        return len(self.labels)
