"""``mecsim policy train`` and ``eval``: what they leave behind, that stopping changes nothing, and what they refuse."""

import csv
import functools
import json
import re
import subprocess
import sys

import pytest
from control_trials import surrogate_of, write_learned
from control_world import BASE, SCHEME
from typer.testing import CliRunner
from worlds import NoStore, scenario, text

from mecsim.build.policy import build_policy
from mecsim.build.rehearsal import rehearse
from mecsim.build.stage import build_stage
from mecsim.cli.app import app
from mecsim.cli.interrupt import Interrupt
from mecsim.cli.policy_subject import FIRST_SEED, Recipe, moved, subject_of
from mecsim.cli.policy_trial import rehearsals, surrogate_file
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.control.learned import read_facts
from mecsim.control.surrogate import Surrogate
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.jobs import synthetic
from mecsim.jobs.runner import LocalRunner


def entry(label, **control):
    return {**SCHEME, "label": label, "control": control}


RANDOM, FIXED = entry("by chance", name="random"), entry("half", name="fixed", choice=0.5)
PLAIN = {key: value for key, value in SCHEME.items() if key != "control"} | {"label": "nobody"}
SMALL = {**BASE, "protocol.rounds": 4, "schemes": [RANDOM, FIXED, PLAIN]}


def written(folder, changes=None):
    path = folder / "small.yaml"
    path.write_text(text({**SMALL, **(changes or {})}))
    return path


def runner():
    return LocalRunner(synthetic.execute, NoStore())


# Whom a training is for --------------------------------------------------------------------------------------------------


def test_a_training_is_for_the_scheme_that_is_named(tmp_path):
    of = scenario(SMALL)
    subject = subject_of(of, "half")
    assert (subject.index, subject.entry.label) == (1, "half")
    with pytest.raises(UnknownNameError, match="half"):
        subject_of(of, "haff")
    with pytest.raises(MecsimError, match=r"nobody decides for 'nobody': give the scheme a control"):
        subject_of(of, "nobody")
    with pytest.raises(
        MecsimError, match=r"0 schemes have the policy learned: name one with --scheme \(by chance, half, nobody\)"
    ):
        subject_of(of, None)


def test_without_a_name_it_is_for_the_one_with_a_learned_policy(tmp_path):
    write_learned(tmp_path / "mine")
    learned = [entry(label, name="learned", policy="mine") for label in ("one", "two")]
    assert subject_of(scenario({**SMALL, "schemes": [RANDOM, learned[0]]}, tmp_path), None).entry.label == "one"
    both = scenario({**SMALL, "schemes": [*learned, RANDOM]}, tmp_path)
    with pytest.raises(MecsimError, match="2 schemes have the policy learned: name one with --scheme"):
        subject_of(both, None)
    assert subject_of(both, "two").index == 1


def test_a_training_without_an_objective_is_refused():
    plain = {key: value for key, value in SMALL.items() if key != "objective"}
    with pytest.raises(MecsimError, match="add the section objective"):
        subject_of(scenario(plain), "half")


def test_trainings_and_trials_have_worlds_of_their_own():
    """Seeds far from the study's and from each other's, the given ones as well; no sweep."""
    of = scenario({**SMALL, "seeds": {"data": 7}, "sweep": [{"key": "protocol.rounds", "values": [3, 4]}]})
    training, trying = subject_of(of, "half").scenario, moved(of, 1, 2 * FIRST_SEED).scenario
    assert [each.trial_seeds(2).world for each in (of, training, trying)] == [3, 100_003, 200_003]
    assert [each.trial_seeds(2).data for each in (of, training, trying)] == [9, 100_009, 200_009]
    assert training.sweep == trying.sweep == ()


# Trials of policies ------------------------------------------------------------------------------------------------------


@pytest.fixture
def surrogate(tmp_path):
    surrogate_of().save(tmp_path / "quality.json")
    return tmp_path / "quality.json"


def test_every_scheme_is_rehearsed_in_the_same_worlds(surrogate):
    of = scenario(SMALL)
    found = rehearsals(of, surrogate, 3, runner())
    assert list(found) == ["by chance", "half", "nobody"]
    room, apart = SyntheticRoom(), moved(of, 0, 2 * FIRST_SEED).scenario
    for index, label in enumerate(found):
        for place in range(3):
            seeds = apart.trial_seeds(place)
            dealt = synthetic.execute(room.partition(apart, seeds), []).numbers
            stage = build_stage(apart, index, room, seeds=seeds, dealt=dealt, sheets={})
            assert found[label][place] == rehearse(stage, build_policy(stage), Surrogate.load(surrogate))


def test_the_table_has_means_and_differences_to_the_best(tmp_path, surrogate):
    path = written(tmp_path)
    command = ["policy", "eval", str(path), "--surrogate", str(surrogate), "--worlds", "3", "--store", str(tmp_path / "store")]
    shown = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    assert shown.exit_code == 0, shown.output
    found = rehearsals(scenario(SMALL), surrogate, 3, runner())
    means = {label: sum(each.objective for each in played) / 3 for label, played in found.items()}
    ordered = sorted(means, key=means.get)
    rows = [line for line in shown.output.splitlines() if any(label in line for label in means)]
    assert [next(label for label in means if row.strip().startswith(label)) for row in rows] == ordered
    for row, label in zip(rows, ordered, strict=True):
        numbers = re.findall(r"[+-]?\d+\.\d+", row)
        assert float(numbers[0]) == pytest.approx(means[label], abs=6e-4)
        if label != ordered[0]:
            assert float(numbers[1]) == pytest.approx(means[label] - means[ordered[0]], abs=2e-3)
        assert "4.0" in numbers  # all rounds, as there is no target


def test_the_surrogate_is_that_of_a_policy_in_the_scenario_unless_one_is_named(tmp_path):
    write_learned(tmp_path / "mine")
    of = scenario({**SMALL, "schemes": [RANDOM, entry("mine", name="learned", policy="mine")]}, tmp_path)
    assert surrogate_file(of) == (tmp_path / "mine" / "surrogate.json").resolve()
    with pytest.raises(MecsimError, match="name one with --surrogate, or train a policy"):
        surrogate_file(scenario(SMALL))


def test_a_surrogate_of_other_choices_is_refused(tmp_path):
    surrogate_of((1.0, 0.9, 0.5, 0.25)).save(tmp_path / "other.json")
    with pytest.raises(MecsimError, match=r"fitted for the choices 1, 0\.9, 0\.5, 0\.25.*has 1, 0\.75, 0\.5, 0\.25"):
        rehearsals(scenario(SMALL), tmp_path / "other.json", 2, runner())


def test_no_objective_and_no_surrogate_are_said(tmp_path, surrogate):
    plain = {key: value for key, value in SMALL.items() if key != "objective"}
    with pytest.raises(MecsimError, match="add the section objective"):
        rehearsals(scenario(plain), surrogate, 2, runner())
    with pytest.raises(MecsimError, match=r"no surrogate of quality"):
        rehearsals(scenario(SMALL), tmp_path / "missing.json", 2, runner())


# A learned policy in a study ---------------------------------------------------------------------------------------------


@pytest.mark.learning
def test_one_worker_and_two_give_the_same_bytes(tmp_path):
    write_learned(tmp_path / "mine", bandwidths=(1.0, 2.0))
    mine = entry("mine", name="learned", policy="mine")
    written(tmp_path, {"schemes": [mine, FIXED, RANDOM], "replications": 2, "network.sharing": {"kind": "weighted"}})
    tables = []
    for n in ("1", "2"):
        command = ["run", "small.yaml", "--out", f"run{n}", "--store", f"store{n}", "--workers", n, "--no-report", "--quiet"]
        done = subprocess.run(
            [sys.executable, "-m", "mecsim.cli.app", *command], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        tables.append({path.name: path.read_bytes() for path in sorted((tmp_path / f"run{n}").glob("*.parquet"))})
    assert tables[0] == tables[1]


# A training --------------------------------------------------------------------------------------------------------------

TRAIN = ["--scheme", "by chance", "--trials", "16", "--worlds", "2", "--steps", "512", "--workers", "1", "--seed", "3"]


@pytest.fixture(scope="module")
def small_training():
    """Make trainings small: an environment, three judged worlds, two own trials, an evaluation every 128 of 512 steps."""
    pytest.importorskip("sb3_contrib")
    import learners.agents.training  # noqa: F401 - before its settings are others
    from learners.agents.settings import TrainingSettings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mecsim.cli.policy_subject.Recipe", functools.partial(Recipe, environments=1, judged=3, own_trials=2))
        small = functools.partial(TrainingSettings, steps_between=128, rollout_steps=64, batch_size=64, n_epochs=2, hidden=(8,))
        patch.setattr("learners.agents.settings.TrainingSettings", small)
        yield patch


def train(folder, *more):
    folder.mkdir(exist_ok=True)
    places = ["--out", str(folder / "mine"), "--store", str(folder / "store"), "--work", str(folder / "work")]
    return CliRunner().invoke(app, ["policy", "train", str(written(folder)), *TRAIN, *places, *more])


def said(done):
    """Return what a command said, wherever the lines were broken."""
    return " ".join(done.output.split())


def table(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def files(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "mine").iterdir())}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_training):
    folder = tmp_path_factory.mktemp("training")
    done = train(folder)
    assert done.exit_code == 0, done.output
    return folder, done


@pytest.mark.learning
def test_a_training_leaves_all_that_tells_how_it_came_about(trained):
    folder, done = trained
    assert f"Policy: {folder / 'mine' / 'policy.json'}" in done.output.replace("\n", "")
    assert "surrogate of quality: fitted to 16 trials in 2 worlds" in said(done)
    assert "surrogate of quality: fitted to 18 trials in 2 worlds" in said(done)
    names = {"policy.json", "policy.safetensors", "surrogate.json", "surrogate.csv", "curve.csv"}
    assert set(files(folder)) == names
    facts = read_facts(folder / "mine")
    assert (facts.knob, facts.choices, facts.renews, facts.bandwidths) == ("scale", (1.0, 0.75, 0.5, 0.25), True, (1.0,))
    recipe = facts.training["recipe"]
    assert (recipe["seed"], recipe["trials"], recipe["worlds"], recipe["steps"]) == (3, 16, 2, 512)
    curve = table(folder / "mine" / "curve.csv")
    assert [int(row["steps"]) for row in curve] == [0, 128, 256, 256, 384, 512]
    best = max(curve[3:], key=lambda row: float(row["evaluation_return"]))
    assert facts.training["best_at_steps"] == int(best["steps"])
    assert facts.training["objective_in_judged_worlds"] == pytest.approx(-float(best["evaluation_return"]))
    points = table(folder / "mine" / "surrogate.csv")
    assert {row["source"] for row in points} == {"fit", "held-out"}
    assert {row["world"] for row in points} == {"100001", "100002"}
    assert len(points) == 2 * 18 * 4  # both sources, every trial, every round
    assert {row["world"] for row in points if row["label"] == "learned 1"} == {"100001", "100002"}
    assert tuple(json.loads((folder / "mine" / "surrogate.json").read_text())["choices"]) == facts.choices
    for content in files(folder).values():
        assert str(folder).encode() not in content


@pytest.mark.learning
def test_stopped_and_started_again_elsewhere_it_gives_the_same_bytes(trained, small_training, tmp_path):
    """Once during the real trials, once in the middle of the agent's training; then to the end."""
    folder, _ = trained
    interrupted = {"jobs": 0, "rounds": 0}

    def check(self):
        interrupted["jobs"] += 1
        if interrupted["jobs"] == 20:
            raise KeyboardInterrupt

    def telling(tell):
        def on_progress(progress):
            interrupted["rounds"] = progress.n_steps
            if progress.n_steps == 256:
                raise KeyboardInterrupt

        return on_progress

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interrupt, "check", check)
        first = train(tmp_path)
        patch.setattr("mecsim.cli.policy_pipeline._telling", telling)
        second = train(tmp_path)
    for stopped in (first, second):
        assert stopped.exit_code == 130, stopped.output
        assert "the same command goes on from there" in said(stopped)
    assert interrupted["rounds"] == 256
    assert not (tmp_path / "mine").exists()
    last = train(tmp_path)
    assert last.exit_code == 0, last.output
    assert "128 of 512" not in last.output  # it did go on
    assert files(tmp_path) == files(folder)
    again = train(tmp_path)
    assert again.exit_code == 0
    assert files(tmp_path) == files(folder)


@pytest.mark.learning
def test_a_trained_policy_runs_in_a_scenario_and_in_a_trial(trained):
    folder, _ = trained
    of = scenario({**SMALL, "schemes": [entry("mine", name="learned", policy="mine"), RANDOM]}, folder)
    found = rehearsals(of, surrogate_file(of), 2, runner())
    assert all(len(each.accuracies) == 4 for played in found.values() for each in played)


@pytest.mark.learning
def test_another_seed_is_another_training(trained, small_training, tmp_path):
    folder, _ = trained
    done = train(tmp_path, "--seed", "4")
    assert done.exit_code == 0, done.output
    other, mine = files(tmp_path), files(folder)
    assert other["policy.safetensors"] != mine["policy.safetensors"]
    explored = [
        {
            (row["world"], row["label"], row["round"]): row["observed"]
            for row in points
            if not row["label"].startswith("learned")
        }
        for points in (table(tmp_path / "mine" / "surrogate.csv"), table(folder / "mine" / "surrogate.csv"))
    ]
    assert explored[0] == explored[1]  # the first real trials are the same
    assert len(explored[0]) == 16 * 4


@pytest.mark.learning
def test_without_refits_the_agent_plays_against_one_surrogate(trained, small_training, tmp_path):
    done = train(tmp_path, "--refits", "0")
    assert done.exit_code == 0, done.output
    assert said(done).count("surrogate of quality") == 1
    assert [int(row["steps"]) for row in table(tmp_path / "mine" / "curve.csv")] == [0, 128, 256, 384, 512]
    assert len(table(tmp_path / "mine" / "surrogate.csv")) == 2 * 16 * 4


@pytest.mark.learning
def test_what_a_training_refuses_is_said_by_the_command(tmp_path, small_training):
    done = train(tmp_path, "--scheme", "haff")
    assert done.exit_code != 0
    assert "half" in done.output + str(done.exception)
    few = train(tmp_path, "--trials", "8")
    assert few.exit_code == 2
    assert "16" in few.output
