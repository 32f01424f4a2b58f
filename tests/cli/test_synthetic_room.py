"""The room without learning: its jobs, its schemes, and that neither torch nor what comes with it is loaded for them."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from learners.catalog import SCHEMES
from learners.schemes.synthetic import SyntheticParams
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.config.entries import SchemeEntry
from mecsim.config.scenario import TrialSeeds
from mecsim.config.synthetic import SyntheticLearning
from mecsim.errors import MecsimError
from mecsim.federation.contract import ClientView
from mecsim.jobs.synthetic import execute

SEEDS = TrialSeeds(world=1, data=2, learning=3)
ROOM = SyntheticRoom()


def scenario(*entries, n_devices=4, **learning):
    """Return what the room looks at, of a scenario."""
    return SimpleNamespace(
        name="made-up",
        learning=SyntheticLearning.model_validate({"kind": "synthetic", **learning}),
        fleet=SimpleNamespace(n_devices=n_devices, backbone_preinstalled=False),
        schemes=entries,
    )


def entry(**params):
    return SchemeEntry.of("synthetic", SyntheticParams.model_validate(params))


def dealt(of):
    return execute(ROOM.partition(of, SEEDS), []).numbers


def test_every_device_has_samples_by_the_seed_of_the_data():
    of = scenario(samples={"kind": "lognormal", "mean": 50.0})
    assert len(dealt(of)["n_samples"]) == 4
    other = execute(ROOM.partition(of, TrialSeeds(world=1, data=9, learning=3)), []).numbers
    assert other != dealt(of)


def test_a_scheme_is_made_of_the_section_and_its_own_parameters():
    of = scenario(
        entry(), entry(update_mb=5.0, backbone_mb=0.0), epochs=2, batch_size=10, samples={"kind": "fixed", "mean": 25}
    )
    assert ROOM.cost_sheets(of, 1) == {}
    scheme = ROOM.scheme(of, 1, SEEDS, dealt(of), {})
    offered = scheme.offer(ClientView(client=0, round=1, n_samples=25, memory_budget_bytes=1e9))
    assert (offered.sends.size_bytes, offered.work.n_steps, offered.work.n_samples) == (5_000_000, 6, 50)
    assert [payload.kind for payload in offered.needs] == ["state"]


def test_a_scheme_that_trains_has_no_place_here():
    full = SchemeEntry.of("full", SCHEMES["full"].params())
    of = scenario(entry(), full)
    with pytest.raises(MecsimError, match=r"schemes\.1: 'full' trains a model, and learning\.kind is synthetic"):
        ROOM.scheme(of, 1, SEEDS, dealt(of), {})


def test_learning_that_is_real_has_another_room():
    with pytest.raises(TypeError, match="LearningRoom"):
        ROOM.partition(SimpleNamespace(name="real", learning=None), SEEDS)


def test_nothing_heavy_is_loaded():
    code = (
        "import sys, mecsim.cli.synthetic_room\n"
        "print([name for name in ('torch', 'transformers', 'peft', 'sklearn', 'pandas', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
