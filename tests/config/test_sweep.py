"""The section ``sweep``: what the points are, what variants come of them, and what is said of sweeps that cannot be."""

from itertools import pairwise

import pytest

from mecsim.config.loader import parse_scenario, parse_study, resolved_yaml
from mecsim.config.variants import chosen
from mecsim.errors import ScenarioError


@pytest.fixture
def study(good, catalog):
    def call(*axes: str, overrides=()):
        text = good + "sweep:\n" + "".join(f"  - {axis}\n" for axis in axes)
        return parse_study(text, "x.yaml", catalog, overrides)

    return call


@pytest.fixture
def problems(study):
    def call(*axes: str, overrides=()):
        with pytest.raises(ScenarioError) as error:
            study(*axes, overrides=overrides)
        return error.value.problems

    return call


def names(study):
    return [variant.name for variant in study.variants]


def bandwidths(study):
    return [variant.scenario.network.carrier.bandwidth_mhz for variant in study.variants]


def values(study, axis=0):
    return [variant.places[axis].value for variant in study.variants]


def test_without_a_sweep_there_is_one_variant_without_a_name(good, catalog):
    (only,) = parse_study(good, "x.yaml", catalog).variants
    assert (only.name, only.places) == ("", ())
    assert only.scenario == parse_scenario(good, "x.yaml", catalog)


def test_a_list_in_its_order(study):
    found = study("{key: network.carrier.bandwidth_mhz, values: [20, 1, 5.5]}")
    assert names(found) == ["bandwidth_mhz=20", "bandwidth_mhz=1", "bandwidth_mhz=5.5"]
    assert bandwidths(found) == [20.0, 1.0, 5.5] == values(found)
    assert [variant.places[0].title for variant in found.variants] == ["Bandwidth (MHz)"] * 3
    assert [variant.places[0].position for variant in found.variants] == [0, 1, 2]


def test_a_range_has_both_ends_and_whole_numbers_stay_whole(study):
    assert bandwidths(study("{kind: range, key: network.carrier.bandwidth_mhz, from: 1, to: 2, n: 5}")) == [
        1,
        1.25,
        1.5,
        1.75,
        2,
    ]
    rounds = study("{kind: range, key: protocol.rounds, from: 2, to: 8, n: 4}")
    assert [variant.scenario.protocol.rounds for variant in rounds.variants] == [2, 4, 6, 8]


def test_a_logarithmic_range_has_equal_ratios(study):
    found = bandwidths(study("{kind: log-range, key: network.carrier.bandwidth_mhz, from: 0.5, to: 100, n: 8}"))
    assert (found[0], found[-1], len(found)) == (0.5, 100.0, 8)
    ratios = [after / before for before, after in pairwise(found)]
    assert ratios == pytest.approx([200 ** (1 / 7)] * 7, rel=0.01)  # three digits of each value are kept


def test_several_axes_make_a_grid_whose_last_axis_changes_fastest(study):
    found = study("{key: network.carrier.bandwidth_mhz, values: [1, 2], name: width}", "{key: protocol.rounds, values: [3, 4]}")
    assert names(found) == ["width=1, rounds=3", "width=1, rounds=4", "width=2, rounds=3", "width=2, rounds=4"]
    assert [(v.scenario.network.carrier.bandwidth_mhz, v.scenario.protocol.rounds) for v in found.variants] == [
        (1, 3), (1, 4), (2, 3), (2, 4),
    ]  # fmt: skip


def test_zipped_keys_change_together(study):
    axis = (
        "{kind: zip, name: size, points: [10, 20], values: {protocol.rounds: [1, 2], network.carrier.bandwidth_mhz: [5, 10]}}"
    )
    found = study(axis)
    assert names(found) == ["size=10", "size=20"]
    assert values(found) == [10.0, 20.0]
    assert [(v.scenario.protocol.rounds, v.scenario.network.carrier.bandwidth_mhz) for v in found.variants] == [(1, 5), (2, 10)]
    assert names(study("{kind: zip, name: s, values: {protocol.rounds: [1, 2], seed: [5, 6]}}")) == ["s=1/5", "s=2/6"]


def test_named_variants_change_what_they_list(study):
    found = study("{kind: variants, name: net, variants: {usual: {}, slow: {network.carrier.bandwidth_mhz: 1, seed: 9}}}")
    assert names(found) == ["net=usual", "net=slow"]
    assert values(found) == [None, None]
    assert [variant.scenario.seed for variant in found.variants] == [1, 9]


def test_labels_are_those_of_the_scenario_without_its_sweep(good, catalog, study):
    labels = [scheme.label for scheme in parse_scenario(good, "x.yaml", catalog).schemes]
    found = study("{key: schemes.0.clients_per_round, values: [1, 2]}")
    assert [[scheme.label for scheme in variant.scenario.schemes] for variant in found.variants] == [labels, labels]


def test_a_variant_has_no_sweep_and_the_resolved_scenario_has_it(study, catalog):
    found = study("{key: network.carrier.bandwidth_mhz, values: [1, 2]}")
    assert all(variant.scenario.sweep == () for variant in found.variants)
    again = parse_study(resolved_yaml(found.scenario), "resolved", catalog)
    assert again == found


def test_variants_are_chosen_by_name_or_by_a_point(study):
    found = study("{key: network.carrier.bandwidth_mhz, values: [1, 2]}", "{key: protocol.rounds, values: [3, 4]}").variants
    assert [v.name for v in chosen(found, ["rounds=4"])] == ["bandwidth_mhz=1, rounds=4", "bandwidth_mhz=2, rounds=4"]
    assert [v.name for v in chosen(found, ["bandwidth_mhz=2, rounds=3"])] == ["bandwidth_mhz=2, rounds=3"]
    assert chosen(found, ["rounds=5"]) == ()


def test_an_unknown_key_is_told_once_with_its_line_and_a_suggestion(problems, good):
    (problem,) = problems("{key: network.carrier.bandwith_mhz, values: [1, 2]}", "{key: protocol.rounds, values: [3, 4]}")
    assert problem.line == good.count("\n") + 2
    assert problem.message == "there is no such key here (in the variant 'bandwith_mhz=1, rounds=3' and 3 more)"
    assert "'bandwidth_mhz'" in problem.remedy


def test_every_invalid_variant_is_named_before_anything_runs(problems):
    first, second = problems("{key: network.carrier.bandwidth_mhz, values: [-1, 5, wide]}")
    assert "got -1 (in the variant 'bandwidth_mhz=-1')" in first.message
    assert "got 'wide' (in the variant 'bandwidth_mhz=wide')" in second.message


def test_a_rule_over_several_keys_is_checked_in_each_variant(problems):
    found = problems("{key: fleet.area_m, values: [[1, 1], [500, 500]]}")
    assert {problem.key for problem in found} == {"network.stations.0.position_m", "network.stations.1.position_m"}
    assert all("outside the 1 x 1 m (in the variant 'area_m=1-1')" in problem.message for problem in found)


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ("{key: protocol.rounds, values: []}", "must have at least 1 item, got a list of 0"),
        ("{key: protocol.rounds, values: [2, 2]}", "two points of this axis are called '2'"),
        ("{key: name, values: [a, b]}", "name is the same for the whole study"),
        ("{key: replications, values: [1, 2]}", "replications is the same for the whole study"),
        ("{kind: zip, name: a, values: {seed: [1], protocol.rounds: [1, 2]}}", "seed has 1, protocol.rounds has 2"),
        ("{kind: zip, name: a, points: [1], values: {seed: [1, 2]}}", "seed has 2, points has 1"),
        ("{kind: log-range, key: protocol.rounds, from: 0, to: 2, n: 3}", "must be greater than 0, got 0"),
        ("{kind: range, key: protocol.rounds, from: 1, to: 2, n: 1}", "must be greater than or equal to 2, got 1"),
        ("{kind: rang, key: protocol.rounds}", "there is no kind 'rang' of sweep.0"),
        ("{values: [1, 2]}", "this key is required and missing"),
        ("{key: seed.deep, values: [1]}", "seed has the value 1 and no keys"),
        ("{key: schemes.9.label, values: [a]}", "schemes is a list without the position '9'"),
    ],
)  # fmt: skip
def test_mistakes_in_an_axis(problems, axis, said):
    found = problems(axis)
    assert said in found[0].message, found
    assert found[0].line is not None


def test_two_axes_need_names_and_keys_of_their_own(problems):
    found = problems("{key: protocol.rounds, values: [1, 2]}", "{key: protocol.rounds, values: [3]}")
    assert [problem.key for problem in found] == ["sweep.1", "sweep.1"]
    assert "called 'rounds', as is axis 0" in found[0].message
    assert "swept by axis 0 as well" in found[1].message


def test_what_is_set_in_vain_is_told(problems):
    (problem,) = problems("{key: protocol.rounds, values: [1, 2]}", overrides=["protocol.rounds=7"])
    assert "swept by the axis 'rounds', so --set has no effect" in problem.message


def test_a_sweep_can_be_switched_off(study):
    assert names(study("{key: protocol.rounds, values: [1, 2]}", overrides=["sweep=[]", "protocol.rounds=7"])) == [""]
