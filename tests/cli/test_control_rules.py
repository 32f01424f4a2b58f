"""What has to hold between a policy, its scheme and the network is said before anything runs, with a way out."""

import pytest
from control_trials import write_learned
from control_world import BASE, CHOICES, SCHEME
from worlds import all_problems, problems, refused, scenario, text

WITHOUT_KNOB = {key: value for key, value in SCHEME.items() if key not in ("choices", "renew_every")}
WEIGHTED = {"network.sharing": {"kind": "weighted"}}


def under(control, changes=None, **entry):
    return {**BASE, **(changes or {}), "schemes.0": {**SCHEME, "control": control, **entry}}


@pytest.mark.parametrize("name", ["fixed", "min-max-delay"])
def test_a_choice_that_the_scheme_does_not_have(name):
    problem = refused(
        "schemes.0.control.choice",
        r"0\.6 is no choice of the scheme 'mine': its choices are 1, 0\.75, 0\.5, 0\.25",
        under({"name": name, "choice": 0.6}, WEIGHTED, label="mine"),
    )
    assert "leave the key out" in problem.remedy


def test_a_choice_where_there_is_nothing_to_choose():
    changes = under({"name": "fixed", "choice": 0.5}) | {
        "schemes.0": {**WITHOUT_KNOB, "control": {"name": "fixed", "choice": 0.5}}
    }
    refused("schemes.0.control.choice", "it has none", changes)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_of_the_scheme_is_one(choice):
    (entry,) = scenario(under({"name": "fixed", "choice": choice})).schemes
    assert entry.control.params.choice == choice


OTHERS = ["equal", "proportional-fair"]
DIVIDING = [{"name": "min-max-delay"}, {"name": "random", "bandwidths": [1.0, 2.0]}]


@pytest.mark.parametrize("control", DIVIDING, ids=lambda control: control["name"])
def test_bandwidth_needs_a_network_that_lets_it_be_divided(control):
    for kind in OTHERS:
        ((key, problem),) = problems(under(control, {"network.sharing": {"kind": kind}})).items()
        assert key == "schemes.0.control.name"
        assert f"policy {control['name']!r} divides the bandwidth" in problem.message
        assert kind in problem.message
        assert "weighted or assigned" in problem.remedy
    for kind in ("weighted", "assigned"):
        scenario(under(control, {"network.sharing": {"kind": kind}}))


def test_the_network_s_own_default_divides_equally():
    refused("schemes.0.control.name", "kind 'equal' does by itself", under({"name": "min-max-delay"}))


@pytest.mark.parametrize("control", [{"name": "random"}, {"name": "fixed"}, {"name": "memory"}], ids=lambda one: one["name"])
def test_who_divides_nothing_may_stand_in_any_network(control):
    scenario(under(control))


def test_an_objective_counts_every_round():
    problem = refused(
        "protocol.evaluate_every", "it is 2, and the objective counts the error", BASE, protocol__evaluate_every=2
    )
    assert "Set it to 1" in problem.remedy
    scenario({**BASE, "protocol.evaluate_every": 1})
    plain = {key: value for key, value in BASE.items() if key != "objective"}
    scenario({**plain, "protocol.evaluate_every": 2})


@pytest.mark.parametrize(
    ("wrong", "meant"), [("memori", "memory"), ("greedy_finish", "greedy-finish"), ("minmax-delay", "min-max-delay")]
)
def test_an_unknown_policy_is_told_what_was_meant(wrong, meant):
    (problem,) = all_problems(text(under({"name": wrong})))
    assert problem.key == "schemes.0.control.name"
    assert wrong in problem.message
    assert meant in problem.remedy


@pytest.mark.parametrize(
    ("control", "key", "words"),
    [
        ({"name": "fixed", "chioce": 0.5}, "chioce", "choice"),
        ({"name": "memory", "renew": "sometimes"}, "renew", "always"),
        ({"name": "fixed", "epochs": 0}, "epochs", "1"),
        ({"name": "fixed", "power_db": 3.0}, "power_db", "0"),
        ({"name": "random", "bandwidths": [1.0, 0.0]}, "bandwidths.1", "0"),
        ({"name": "oracle"}, "surrogate", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_of_policies_are_checked_where_they_stand(control, key, words):
    (problem,) = all_problems(text(under(control)))
    assert problem.key == f"schemes.0.control.{key}"
    assert words in f"{problem.message} {problem.remedy}"
    assert problem.line is not None


def test_a_control_without_a_name():
    (problem,) = all_problems(text(under({"choice": 0.5})))
    assert problem.key == "schemes.0.control.name"


def test_a_policy_s_file_has_to_be_there(tmp_path):
    (problem,) = all_problems(text(under({"name": "learned", "policy": "nowhere/policy.json"})), tmp_path)
    assert problem.key == "schemes.0.control.policy"
    assert "nowhere" in problem.message


# Files of trained policies -----------------------------------------------------------------------------------------------


def learned(folder, **how):
    write_learned(folder / "mine", **how)
    return under({"name": "learned", "policy": "mine/policy.json"})


def test_a_policy_that_was_trained_for_these_choices(tmp_path):
    scenario(learned(tmp_path), tmp_path)


def test_a_policy_that_was_trained_for_other_choices_is_refused_before_anything_runs(tmp_path):
    changes = learned(tmp_path, choices=(1.0, 0.5))
    problem = refused("schemes.0.control.policy", r"among 1, 0\.5.*offers 1, 0\.75, 0\.5, 0\.25", changes, tmp_path)
    assert "train a policy" in problem.remedy


def test_a_policy_for_a_knob_in_a_scheme_without_one_is_refused(tmp_path):
    changes = learned(tmp_path) | {"schemes.0": {**WITHOUT_KNOB, "control": {"name": "learned", "policy": "mine"}}}
    refused("schemes.0.control.policy", "offers none", changes, tmp_path)


def test_a_file_that_is_no_policy_is_a_problem_of_its_key(tmp_path):
    write_learned(tmp_path / "mine")
    (tmp_path / "mine" / "policy.json").write_text('{"format": 2}')
    refused("schemes.0.control.policy", "mine", under({"name": "learned", "policy": "mine/policy.json"}), tmp_path)


def test_a_trained_policy_with_weights_of_bandwidth_needs_its_network(tmp_path):
    changes = learned(tmp_path, bandwidths=(1.0, 2.0))
    refused("schemes.0.control.name", "divides the bandwidth", changes, tmp_path)
    scenario({**changes, **WEIGHTED}, tmp_path)


# Labels ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "label"),
    [
        ({"name": "memory"}, "synthetic-1.0-0.75-0.5-0.25-memory"),
        ({"name": "fixed", "choice": 0.5, "renew": "never"}, "synthetic-1.0-0.75-0.5-0.25-fixed-0.5-never"),
        ({"name": "random", "vary_number": True}, "synthetic-1.0-0.75-0.5-0.25-random-true"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_label_that_is_not_given_is_made_of_the_policy_s_words(control, label):
    (entry,) = scenario({**BASE, "schemes.0": {"name": "synthetic", "choices": CHOICES, "control": control}}).schemes
    assert entry.label == label


def test_of_a_policy_s_file_a_label_has_its_name_alone(tmp_path):
    write_learned(tmp_path / "deep" / "mine")
    control = {"name": "learned", "policy": "deep/mine"}
    (entry,) = scenario({**BASE, "schemes.0": {"name": "synthetic", "choices": CHOICES, "control": control}}, tmp_path).schemes
    assert entry.label.endswith("-learned-mine")


def test_two_schemes_that_differ_in_their_policy_alone_have_two_labels():
    plain = {"name": "synthetic", "choices": CHOICES}
    schemes = [{**plain, "control": {"name": name}} for name in ("memory", "greedy-finish", "greedy-energy")]
    labels = [entry.label for entry in scenario({**BASE, "schemes": schemes}).schemes]
    assert len(set(labels)) == 3
