"""Values set from outside the file."""

import pytest

from mecsim.config.loader import parse_scenario
from mecsim.errors import ScenarioError


def test_values_are_yaml_and_positions_reach_into_lists(good, catalog):
    overrides = [
        "seed=7",
        "network.stations.1.position_m=[3, 4]",
        "schemes.0.rank=16",
        "network.transport.efficiency=0.5",  # the file has no such section
        "learning.local={epochs: 2}",
        "seeds.data=3",
        "learning.account_as=vit-base-16",
        "seed=8",  # the later one wins
    ]
    scenario = parse_scenario(good, "x.yaml", catalog, overrides)
    assert scenario.seed == 8
    assert scenario.network.stations[1].position_m == (3.0, 4.0)
    assert scenario.schemes[0].label == "fedpeft-lora-16"
    assert (scenario.network.transport.efficiency, scenario.network.transport.setup_rtts) == (0.5, 2.0)
    assert scenario.learning.local.epochs == 2
    assert scenario.trial_seeds().data == 3
    assert scenario.learning.account_as == "vit-base-16"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed", r"seed: cannot read the override 'seed'\n.*KEY=VALUE"),
        ("=3", r"cannot read the override '=3'"),
        ("a..b=3", r"cannot read the override"),
        ("protocol.ronuds=3", r"protocol\.ronuds: there is no such key here \(given with --set\)\n.*Did you mean 'rounds'"),
        ("netwrok.carrier.bandwidth_mhz=3", r"netwrok: there is no such key here.*\n.*Did you mean 'network'"),
        ("seed.x=3", r"seed has the value 1 and no keys.*\n.*Set seed as a whole"),
        ("schemes.2.rank=3", r"schemes is a list without the position '2'.*\n.*0 to 1"),
        ("schemes.first.rank=3", r"without the position 'first'"),
        ("schemes.-1.rank=3", r"without the position '-1'"),
        ("protocol.rounds=[", r"protocol\.rounds: not valid YAML.*given with --set"),
        ("protocol.rounds=", r"protocol\.rounds: must be a whole number, got nothing"),
        (
            "network.carrier.bandwidth_mhz=2e1",
            r"got '2e1', which YAML reads as text .given with --set.\n.*Write 2\.0e\+1 or 20",
        ),
        ("protocol.clients_per_round=20", r"20 devices are asked in a round, but the fleet has 12 \(given with --set\)"),
    ],
)
def test_a_wrong_override_is_a_problem_without_a_line(good, catalog, override, words):
    with pytest.raises(ScenarioError, match=words) as caught:
        parse_scenario(good, "x.yaml", catalog, [override])
    assert [(problem.line, bool(problem.remedy)) for problem in caught.value.problems] == [(None, True)]
