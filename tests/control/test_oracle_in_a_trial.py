"""The oracle in a real trial: nothing that could be decided costs less, and it never gains by what a device refuses."""

import pytest
from control_trials import script, stage_of, surrogate_of
from control_world import SCHEME, controlled

from mecsim.build.policy import build_policy
from mecsim.build.rehearsal import rehearse
from mecsim.control.oracle import joint_decisions
from mecsim.knobs import Settings

CHOICES = [1.0, 0.25]
#: The second device holds the smaller choice alone: 1 GB of its own, of which training may take a part.
TIGHT = [
    {"name": "large", "profile": "raspberry-pi-5", "count": 1, "memory_gb": 8},
    {"name": "small", "profile": "phone-mid", "count": 1, "memory_gb": 1.0},
]


@pytest.fixture
def tight(tmp_path):
    """Return the scenario of two rounds under an oracle, and its surrogate."""
    surrogate = surrogate_of(CHOICES)
    surrogate.save(tmp_path / "surrogate.json")
    control = {"name": "oracle", "surrogate": str(tmp_path / "surrogate.json")}
    # Time and energy weigh more than the error, so that a round in which nothing happens would pay.
    objective = {"quality": 0.1, "time_scale_s": 30, "energy_scale_j": 500}
    changes = {"fleet.groups": TIGHT, "protocol.rounds": 2, "protocol.clients_per_round": 2, "objective": objective}
    return controlled({**changes, "schemes.0": {**SCHEME, "choices": CHOICES, "control": control}}), surrogate


def test_it_is_the_best_of_all_scripts_without_a_refusal(tight):
    of, surrogate = tight
    stage = stage_of(of)
    decisions = list(joint_decisions(2, 2, [Settings(choice=choice) for choice in CHOICES], (1.0,)))
    assert len(decisions) == 3**2 - 1
    plays = [rehearse(stage, script(first, second), surrogate) for first in decisions for second in decisions]
    refused = [play.objective for play in plays if play.n_refused]
    possible = [play.objective for play in plays if not play.n_refused]
    assert min(refused) < min(possible)  # a round that a device refuses costs next to nothing, so this test can fail
    oracle = rehearse(stage, build_policy(stage), surrogate)
    assert oracle.n_refused == 0
    assert oracle.objective == pytest.approx(min(possible), rel=1e-12)
