"""The state that a federation starts from: the job kind ``init``."""

from collections.abc import Mapping
from typing import Any

from learners.models.load import build
from learners.peft.state import trainable_state
from mecsim.jobs.job import Result


def run(params: Mapping[str, Any]) -> Result:
    """Execute an ``init`` job: what is trainable of the freshly built model, as it travels."""
    return Result({}, {name: value.numpy() for name, value in trainable_state(build(params["model"])).items()})
