"""Stories of one turn, with the arithmetic in the comments."""

from dataclasses import replace

import pytest
from plain_world import NO_DELAY, PlainScheme, make_world

from mecsim.control.policy import Assignment
from mecsim.federation.contract import NO_WORK, ClientView, Offer, Refusal
from mecsim.federation.turn import client_turn
from mecsim.nodes.profiles import RADIO_POWER
from mecsim.nodes.transport import Transport


def take_turn(world, scheme, device=0, round_number=1):
    turn = world.env.process(
        client_turn(world, scheme, assignment=Assignment(device=device), n_samples=10, round_number=round_number)
    )
    return world.env.run(turn)


def test_a_turn_downloads_computes_and_uploads_one_after_the_other(scheme):
    # 8 Mb/s: 1,001,000 bytes take 1.001 s; 2 GFLOP at 1 GFLOP/s take 2 s; 1,000 bytes take 1 ms.
    turn = take_turn(make_world([8e6]), scheme)
    assert (turn.download_s, turn.compute_s, turn.upload_s) == (pytest.approx(1.001), pytest.approx(2.0), pytest.approx(0.001))
    assert turn.end_s == pytest.approx(3.002)
    assert turn.compute_energy_j == pytest.approx(2.0 * 2.0)  # 2 s at 3 - 1 W
    assert turn.update is not None
    assert turn.update.client == 0


def test_what_a_device_holds_is_not_downloaded_again(scheme):
    world = make_world([8e6])
    take_turn(world, scheme)
    scheme.version = 1
    again = take_turn(world, scheme, round_number=2)
    assert [payload.name for payload, _ in again.downloads] == ["state-1"]
    assert again.download_s == pytest.approx(0.001)


def test_setup_and_latency_are_waited_for_and_overhead_is_sent(scheme):
    # RTT = 10 + 2 x 5 = 20 ms. Set-up 2 RTT = 40 ms; each of two downloads waits 10 ms; 10 % overhead at 80 % of 8 Mb/s:
    # 1,001,000 bytes x 1.1 / 0.8 = 1.376375 s.
    transport = Transport(
        radio_overhead=1.1, backhaul_overhead=1.0, efficiency=0.8, n_setup_rtts=2.0, ran_rtt_s=0.010, backhaul_delay_s=0.005
    )
    turn = take_turn(make_world([8e6], transport=transport), scheme)
    assert turn.download_s == pytest.approx(0.040 + 2 * 0.010 + 1.376375)
    assert turn.downloads[0][1].wire_bytes == pytest.approx(1_100_000)


def test_the_slower_of_radio_and_backhaul_decides(scheme):
    # The backhaul carries 4 Mb/s: 1,001,000 bytes take 2.002 s although the radio would need 1.001 s.
    turn = take_turn(make_world([8e6], backhaul_rate_bps=4e6), scheme)
    assert turn.download_s == pytest.approx(2.002)


def test_radio_energy_is_overhead_and_joules_a_bit(scheme):
    turn = take_turn(make_world([8e6]), scheme)
    radio = RADIO_POWER["nr-low-band"]
    (_, sent), bits = turn.uploads[0], 8_000
    assert sent.energy_j == pytest.approx(radio.uplink_overhead_w * 0.001 + radio.uplink_j_per_bit * bits)


def test_work_that_does_not_fit_is_refused_before_anything_is_sent():
    world = make_world([8e6])
    turn = take_turn(world, PlainScheme(peak_bytes=6e8))
    assert (turn.outcome, turn.end_s, turn.downloads, turn.update) == ("refused", 0.0, [], None)
    assert turn.reason == "memory: needs 0.6 GB, has 0.5 GB"
    assert world.fleet.holdings == {}


def test_work_of_exactly_the_budget_fits():
    assert take_turn(make_world([8e6]), PlainScheme(peak_bytes=5e8)).outcome == "completed"
    assert take_turn(make_world([8e6]), PlainScheme(peak_bytes=5e8 + 1)).outcome == "refused"


def test_a_scheme_may_refuse_too(scheme):
    scheme.offer = lambda client: Refusal(reason="samples", needed=1, available=0)
    turn = take_turn(make_world([8e6]), scheme)
    assert (turn.outcome, turn.reason) == ("refused", "samples: needs 1, has 0")


def test_a_device_without_a_rate_is_out_of_coverage(scheme):
    turn = take_turn(make_world([0.0]), scheme)
    assert (turn.outcome, turn.reason, turn.end_s) == ("lost", "outage: no rate on the radio link", 0.0)


def test_a_device_that_learns_nothing_and_sends_nothing_takes_no_time(scheme):
    scheme.offer = lambda client: Offer(needs=(), work=NO_WORK, sends=None, job=None)
    turn = take_turn(make_world([8e6]), scheme)
    assert (turn.outcome, turn.end_s, turn.uploads, turn.update, turn.radio.setup_j) == ("completed", 0.0, [], None, 0.0)


def test_a_device_that_keeps_what_it_learned_sends_nothing(scheme):
    offered = scheme.offer(ClientView(client=0, round=1, n_samples=10, memory_budget_bytes=1e9))
    scheme.offer = lambda client: replace(offered, needs=(), sends=None)
    turn = take_turn(make_world([8e6]), scheme)
    assert (turn.end_s, turn.upload_s, turn.uploads) == (pytest.approx(2.0), 0.0, [])  # 2 GFLOP at 1 GFLOP/s, no connection
    assert turn.update.job == offered.job


def test_no_delay_is_what_it_says():
    assert (NO_DELAY.setup_s(), NO_DELAY.latency_s()) == (0.0, 0.0)
