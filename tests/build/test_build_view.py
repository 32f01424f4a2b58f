"""What policies see is what happens to a device that is alone."""

import math
import time

import numpy as np
import pytest
from worlds import CATALOG, scenario, world

from learners.schemes.synthetic import Synthetic
from mecsim.build.view import FleetView
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.config.scenario import TrialSeeds
from mecsim.control.policy import Assignment
from mecsim.federation.turn import client_turn
from mecsim.jobs.job import job

SEEDS = TrialSeeds(world=1, data=1, learning=1)
SLOW_START = {"network.transport": {"slow_start": True, "ran_rtt_ms": 40}}


def scheme_of(built) -> Synthetic:
    n_devices = built.scenario.fleet.n_devices
    return SyntheticRoom().scheme(built.scenario, 0, SEEDS, {"n_samples": [100] * n_devices}, {})


def view_of(built, demand=lambda jobs: []):
    return FleetView(built.world, scheme_of(built), [100 + i for i in range(len(built.world.fleet))], demand)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        SLOW_START,
        {"network.transport": {"loss_rate": 0.0005}},
        {"fleet.groups.0.throttling": {"after_s": 0.5, "factor": 0.5}},
        {"fleet.groups.0.spread": {"speed": 0.7}, "fleet.groups.0.contention": 0.3},
        {"fleet.backbone_preinstalled": True},
        {"network.carrier.scs_khz": 30, "network.link_adaptation": {"kind": "cqi-64qam"}},
    ],
    ids=lambda changes: next(iter(changes), "plain"),
)
def test_the_expected_turn_is_the_turn_of_a_lone_device(changes):
    for device in (0, 3, 9):
        built = world(changes)
        view, scheme = view_of(built), scheme_of(built)
        expected_s = view.expected_turn_s(np.array([device]))[0]
        expected_j = view.expected_energy_j(np.array([device]))[0]
        process = built.env.process(
            client_turn(built.world, scheme, assignment=Assignment(device=device), n_samples=100 + device, round_number=0)
        )
        turn = built.env.run(until=process)
        assert turn.outcome == "completed"
        assert turn.end_s - turn.start_s == pytest.approx(expected_s, rel=1e-6)
        spent_j = turn.radio.promotion_j + turn.radio.setup_j + turn.compute_energy_j
        spent_j += sum(record.energy_j for _, record in turn.transfers)
        idle_j = built.world.fleet.profile(device).idle_w * (turn.end_s - turn.start_s)
        assert spent_j + idle_j == pytest.approx(expected_j, rel=1e-6)


def test_what_a_device_holds_is_not_expected_again():
    built = world()
    view, devices = view_of(built), np.array([0, 1])
    before = view.expected_turn_s(devices)
    for payload in scheme_of(built).offer(_client(built, 0)).needs:
        built.world.fleet.keep(0, payload.name, payload.size_bytes, [])
    after = view.expected_turn_s(devices)
    assert after[0] < before[0]
    assert after[1] == before[1]


def _client(built, device):
    from mecsim.federation.turn import client_view

    return client_view(built.world, device=device, n_samples=100, round_number=0)


def test_a_turn_that_cannot_be_takes_for_ever():
    far = {
        "network.stations": [{"name": "a", "position_m": [0, 0], "height_m": 10, "tx_power_dbm": -30}],
        "fleet.area_m": [9e4, 9e4],
    }
    assert np.isinf(view_of(world(far)).expected_turn_s(np.arange(12))).any()
    small = view_of(world({"fleet.groups.0.memory_gb": 0.001, "schemes.0.peak_memory_gb": 1.0}))
    assert np.isinf(small.expected_turn_s(np.arange(8))).all()
    assert np.isinf(small.expected_energy_j(np.arange(8))).all()


def test_columns_are_those_of_the_devices_asked_for(tmp_path):
    built = world(
        {
            "fleet.groups.0.battery": {"level": [0.5, 0.5]},
            "fleet.groups.1.availability": {"kind": "daily", "length_h": 0, "length_sigma_h": 0},
        }
    )
    view = view_of(built)
    assert view.n_devices == 12
    assert view.n_samples(np.array([11, 0])).tolist() == [111.0, 100.0]
    assert view.battery_share(np.array([8, 0])).tolist() == [1.0, 0.5]
    assert view.available(np.array([0, 9])).tolist() == [True, False]
    rates = view.downlink_bps(np.arange(12))
    assert rates[3] == built.world.link_now(3).downlink_rate_bps
    (tmp_path / "links.csv").write_text("t_s,ue_id,dl_mbps,ul_mbps\n0,a,8,2\n9,a,8,2\n0,b,6,3\n9,b,6,3\n")
    measured = view_of(world({"network.trace": {"files": ["links.csv"]}}, tmp_path))
    assert measured.downlink_bps(np.array([0, 1, 2])).tolist() == [8e6, 6e6, 8e6]


def test_losses_are_demanded_at_once_and_in_order():
    asked = []

    def demand(jobs):
        asked.append(len(jobs))
        return [{"loss": float(i)} for i in range(len(jobs))]

    view = view_of(world(), demand)
    assert view.losses(np.array([5, 2, 7])).tolist() == [0.0, 1.0, 2.0]
    assert asked == [3]
    view._scheme.client_loss = lambda device: None if device == 2 else job("loss", {"device": device})
    assert view.losses(np.array([5, 2, 7])).tolist() == [0.0, math.inf, 1.0]


def test_samples_of_a_million_devices_are_a_column():
    built = world()
    view = FleetView(built.world, scheme_of(built), list(range(1_000_000)), lambda jobs: [])
    started = time.process_time()
    assert view.n_samples(np.arange(1_000_000)).sum() == sum(range(1_000_000))
    assert time.process_time() - started < 0.2
    assert CATALOG.schemes
    assert scenario().fleet.n_devices == 12
