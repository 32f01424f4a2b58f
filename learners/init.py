"""The state that a federation starts from: the job kind ``init``."""

from collections.abc import Mapping, Sequence
from typing import Any

from learners.models.load import build
from learners.peft.state import trainable_state
from learners.states import state_of
from mecsim.errors import JobError
from mecsim.jobs.job import Result


def run(params: Mapping[str, Any], inputs: Sequence[Result], name: str = "") -> Result:
    """Execute an ``init`` job: what is trainable of the freshly built model, as it travels.

    The tensors of the inputs take the place of those of the same name, such as a head that was fitted before.
    """
    state = {name: value.numpy() for name, value in trainable_state(build(params["model"])).items()}
    for given in map(state_of, inputs):
        if unknown := sorted(given.keys() - state.keys()):
            raise JobError(f"a model of method {params['model']['method']['name']!r} does not train {unknown[:3]}")
        state |= given
    return Result({}, state)
