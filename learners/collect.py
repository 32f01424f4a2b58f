"""Several evaluations told as one: the job kind ``collect``."""

from collections.abc import Mapping, Sequence
from typing import Any

from mecsim.jobs.job import Result


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute a ``collect`` job: the numbers of all inputs side by side, those of input i under ``prefixes[i]``.

    An empty prefix marks what the scheme deploys. ``differences`` ({name: [a, b]}) adds a - b. ``means`` (true) takes the mean
    of the inputs' numbers in place of prefixes, ``maxima`` the largest. Numbers that are lists (counts by class) have no mean
    and are set side by side, a list an input; under a prefix they are left out.
    """
    if params.get("maxima"):
        return Result({name: max(float(result.numbers[name]) for result in inputs) for name in inputs[0].numbers})
    if params.get("means"):
        return Result({name: _mean([result.numbers[name] for result in inputs]) for name in inputs[0].numbers})
    numbers = {
        f"{prefix}{name}": value
        for prefix, result in zip(params["prefixes"], inputs, strict=True)
        for name, value in result.numbers.items()
        if not prefix or not (name == "n_samples" or isinstance(value, list))
    }
    for name, (first, second) in params.get("differences", {}).items():
        numbers[name] = numbers[first] - numbers[second]
    return Result(numbers)


def _mean(values: Sequence[Any]) -> Any:
    if isinstance(values[0], list):
        return list(values)
    return sum(map(float, values)) / len(values)
