"""The sections ``protocol``, ``selection`` and ``schemes`` together: what they refuse."""

import pytest
from worlds import problems, refused, scenario

from learners.catalog import SCHEMES
from learners.schemes.context import PROTOCOLS
from mecsim.config.protocol import PROTOCOL_KINDS, SELECTION_KINDS
from mecsim.config.radio import PATH_LOSS_KINDS, SHARING_KINDS
from mecsim.config.scenario import Scenario

BUFFERED = {"kind": "buffered", "rounds": 3, "clients_per_round": 4}
TRAINED = {"model": "tiny-vit-s", "dataset": {"name": "digits"}, "partition": {"kind": "iid"}}


@pytest.mark.parametrize(
    ("changes", "key", "message"),
    [
        ({"protocol.kind": "fedavg"}, "protocol.kind", "there is no kind 'fedavg' of protocol"),
        ({"protocol.kind": None}, "protocol.kind", "required and missing"),
        ({"protocol.rounds": 0}, "protocol.rounds", "greater than or equal to 1"),
        ({"protocol.evaluate_every": 0}, "protocol.evaluate_every", "greater than or equal to 1"),
        ({"protocol.stop_after_h": 0}, "protocol.stop_after_h", "greater than 0"),
        (
            {"protocol.clients_per_round": 13},
            "protocol.clients_per_round",
            "13 devices are asked in a round, but the fleet has 12",
        ),
        ({"schemes.0.clients_per_round": 13}, "schemes.0.clients_per_round", "13 devices are asked"),
        ({"protocol.kind": "deadline"}, "protocol.deadline", "required and missing"),
        (
            {"protocol.kind": "deadline", "protocol.deadline": {"kind": "fixed"}},
            "protocol.deadline.seconds",
            "required and missing",
        ),
        (
            {"protocol.kind": "deadline", "protocol.deadline": {"kind": "fixed", "slack": 2, "seconds": 5}},
            "protocol.deadline.slack",
            "no such key",
        ),
        (
            {"protocol.kind": "deadline", "protocol.deadline": {"kind": "adaptive", "percentile": 0}},
            "protocol.deadline.percentile",
            "greater than 0",
        ),
        ({"protocol": {**BUFFERED, "buffer": 13}}, "protocol.buffer", "a merge waits for 13 updates, but the fleet has 12"),
        ({"protocol": {**BUFFERED, "buffer": 0}}, "protocol.buffer", "greater than or equal to 1"),
        ({"protocol": {**BUFFERED, "server_rate": 0}}, "protocol.server_rate", "greater than 0"),
        ({"protocol": {**BUFFERED, "kind": "async", "mixing": 1.5}}, "protocol.mixing", "less than or equal to 1"),
        (
            {"protocol": {**BUFFERED, "kind": "async", "max_staleness": -1}},
            "protocol.max_staleness",
            "greater than or equal to 0",
        ),
        (
            {"protocol": {**BUFFERED, "kind": "hierarchical", "edge_rounds": 0}},
            "protocol.edge_rounds",
            "greater than or equal to 1",
        ),
        ({"protocol.buffer": 4}, "protocol.buffer", "no such key"),
        ({"selection": {"kind": "best"}}, "selection.kind", "there is no kind 'best' of selection"),
        ({"selection": {"kind": "uniform", "candidates": 5}}, "selection.candidates", "no such key"),
        ({"selection": {"kind": "fastest", "candidates": 0}}, "selection.candidates", "greater than or equal to 1"),
        ({"selection": {"kind": "fastest", "battery_floor": 0.5}}, "selection.battery_floor", "no such key"),
        ({"selection": {"kind": "energy-aware", "battery_floor": 1.5}}, "selection.battery_floor", "less than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_key_line_rule_and_way_out(changes, key, message):
    refused(key, message, changes)


def test_a_buffer_left_to_its_default_is_checked_too():
    refused("protocol.buffer", "a merge waits for 10 updates", {"protocol": BUFFERED, "fleet.groups.1.count": 1})


@pytest.mark.parametrize("protocol", PROTOCOL_KINDS)
def test_a_scheme_that_cannot_run_under_a_protocol_is_refused(protocol):
    of = {"kind": protocol, "rounds": 2, "clients_per_round": 2}
    if protocol == "deadline":
        of["deadline"] = {"kind": "fixed", "seconds": 5}
    entries = [{"name": "local-only"}, {"name": "full"}, {"name": "centralised"}]
    roomy = {"fleet.groups.0.memory_gb": 12, "fleet.groups.1.memory_gb": 12}
    written = {"learning": TRAINED, "protocol": of, "schemes": entries, **roomy}
    fitting = [protocol in SCHEMES[entry["name"]].protocols_of(SCHEMES[entry["name"]].params()) for entry in entries]
    if all(fitting):
        assert len(scenario(written).schemes) == len(entries)
        return
    found = problems(written)
    assert set(found) == {f"schemes.{i}.name" for i, fits in enumerate(fitting) if not fits}
    for problem in found.values():
        assert f"cannot run under the protocol {protocol}" in problem.message
        assert "set protocol.kind to" in problem.remedy


def test_the_protocols_that_schemes_speak_of_are_those_that_there_are():
    assert set(PROTOCOLS) == set(PROTOCOL_KINDS)
    fitting = {name: SCHEMES[name].protocols_of(SCHEMES[name].params()) for name in ("local-only", "full", "centralised")}
    assert fitting["full"] == set(PROTOCOL_KINDS)
    assert any(fits < set(PROTOCOL_KINDS) for fits in fitting.values()), "the test above would test nothing"


def literals(model):
    """Return the kinds of a union of sections."""
    field = Scenario.model_fields[model]
    return {kind for part in field.annotation.__args__ for kind in part.model_fields["kind"].annotation.__args__}


def test_what_mecsim_list_tells_are_the_kinds_that_there_are():
    network = Scenario.model_fields["network"].annotation.model_fields
    assert literals("protocol") == set(PROTOCOL_KINDS)
    assert literals("selection") == set(SELECTION_KINDS)
    for section, told in (("path_loss", PATH_LOSS_KINDS), ("sharing", SHARING_KINDS)):
        kinds = {
            kind for part in network[section].annotation.__args__ for kind in part.model_fields["kind"].annotation.__args__
        }
        assert kinds == set(told)
