"""What a result of training holds: the state that is averaged, statistics that travel with it, and what stays on the device."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from mecsim.jobs.job import Result

#: Tensors under this name travel with the state and are no part of it.
STATISTICS = "statistics/"
#: Tensors under this name never leave the device.
KEPT = "kept/"

Arrays = Mapping[str, NDArray[Any]]


def state_of(result: Result) -> dict[str, NDArray[Any]]:
    """Return the tensors that belong to the model."""
    return {name: value for name, value in result.tensors.items() if not name.startswith((STATISTICS, KEPT))}


def statistics_of(result: Result) -> dict[str, NDArray[Any]]:
    """Return the statistics by their own names."""
    return _under(STATISTICS, result)


def kept_of(result: Result) -> dict[str, NDArray[Any]]:
    """Return what the device kept by its own name."""
    return _under(KEPT, result)


def extra_inputs(params: Mapping[str, Any], inputs: Sequence[Result]) -> dict[str, Result]:
    """Return the inputs behind state and partition, by the names that the job's ``extra`` gives them."""
    return dict(zip(params.get("extra", ()), inputs[2:], strict=True))


def sent_bytes(result: Result) -> int:
    """Return the bytes that travel: everything that is not kept."""
    return sum(value.nbytes for name, value in result.tensors.items() if not name.startswith(KEPT))


def _under(prefix: str, result: Result) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): value for name, value in result.tensors.items() if name.startswith(prefix)}
