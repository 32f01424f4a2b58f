"""Stories of batteries and radio states with the arithmetic in the comments. A device has 8 Mb/s, if nothing else is said."""

from dataclasses import replace

import numpy as np
import pytest
from federation.plain_world import NO_DELAY, PROFILE, make_world
from radio_worlds import make_radio_world, stays
from transfer_cases import MB, PLAIN_RADIO, RADIO, Sent, charged, send, steps_of_sinr


def test_a_battery_that_empties_in_mid_upload():
    # 1 W idle, 2 W for the radio, 0.8 W for 8 Mb/s: 19 J last for 5 s. The radio's are 14 J of them.
    world = make_world([8e6], batteries=charged(19.0), radio_power=PLAIN_RADIO)
    sent = send(world, 10 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))
    assert sent.record.energy_j == pytest.approx(14.0, abs=0.01)
    assert sent.record.carried_bytes == pytest.approx(5 * MB, rel=1e-3)
    assert world.fleet.batteries.level_j(np.array([0]), 5.0)[0] == pytest.approx(0.0, abs=0.005)


def test_a_battery_in_a_crowded_cell_lasts_longer():
    # Half of the rate: 3.4 W, and 17 J last for 5 s. The meter does not know that beforehand, and looks again and again.
    world = make_world([8e6, 8e6], batteries=charged(17.0, 2), radio_power=PLAIN_RADIO)
    sent, _ = Sent(world, 10 * MB), Sent(world, 100 * MB, device=1)
    world.env.run(sent.process)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))


def test_a_battery_that_empties_sooner_as_a_neighbour_falls_silent():
    # 4 Mb/s up to 2 s, when the neighbour has its 1 MB, and 8 Mb/s from then on. Down: 1 W idle, 1 W radio, 0.4 W, then 0.8 W:
    # 4.8 J by 2 s, and the remaining 8.4 J last for 3 s.
    world = make_radio_world(
        [stays(300.0), stays(700.0)],
        law=steps_of_sinr(100.0, 0.4),
        coupled=True,
        batteries=charged(13.2, 2),
        radio_power=PLAIN_RADIO,
    )
    sent, _ = Sent(world, 100 * MB, direction="downlink"), Sent(world, 1 * MB, device=1, direction="downlink")
    world.env.run(sent.process)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3))
    assert sent.record.energy_j == pytest.approx(13.2 - 5.0, abs=0.01)


def test_a_battery_that_empties_while_only_the_wires_are_left():
    # 1 s at 3.8 W, then 3 W: 9.8 J last for 3 s; the wires would take 8 s.
    world = make_world([8e6], backhaul_rate_bps=1e6, batteries=charged(9.8), radio_power=PLAIN_RADIO)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty", pytest.approx(3.0, abs=1.1e-3))
    assert sent.record.carried_bytes == pytest.approx(MB)
    assert not sent.record.complete


def test_a_battery_that_empties_before_the_first_byte():
    # 20 s one way, at 3 W.
    world = make_world([8e6], transport=replace(NO_DELAY, ran_rtt_s=40.0), batteries=charged(15.0), radio_power=PLAIN_RADIO)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s, sent.record.carried_bytes) == ("battery: empty", pytest.approx(5.0, abs=1.1e-3), 0.0)


def test_a_battery_that_empties_during_the_promotion():
    # 4 s at 1.5 W and 1 W idle would take 10 J; 5 J last for 2 s. Only what was drawn is charged.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=4.0, promotion_w=1.5)}
    world = make_world([8e6], batteries=charged(5.0), radio_power=radio)
    sent = send(world, 1 * MB)
    assert (sent.reason, sent.end_s) == ("battery: empty while connecting", pytest.approx(2.0))
    assert sent.use.promotion_j == pytest.approx(3.0)
    assert world.fleet.batteries.level_j(np.array([0]), 2.0)[0] == pytest.approx(0.0, abs=1e-9)


def test_what_the_battery_gives_is_what_the_records_say():
    # Two uploads with a promotion each, 20 s apart; a tail of 5 s. Joules of idling and of all the radio did.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=5.0, tail_w=1.2)}
    world = make_world([8e6], batteries=charged(1000.0), radio_power=radio)
    first = send(world, 1 * MB)  # 0.5 s, then up to 1.5 s
    second = send(world, 1 * MB, at_s=20.0)  # from 21.5 s to 23 s
    assert (first.use.promotion_j, first.use.tail_j) == (pytest.approx(0.5), pytest.approx(6.0))
    assert second.record.end_s == pytest.approx(23.0)
    idle_j = 1.0 * (1.5 + 1.5)
    spent_j = 2 * 0.5 + 6.0 + first.record.energy_j + second.record.energy_j + idle_j
    assert first.record.energy_j == second.record.energy_j == pytest.approx(2.0 + 0.8)
    assert 1000.0 - world.fleet.batteries.level_j(np.array([0]), 23.0)[0] == pytest.approx(spent_j)


def test_a_tail_is_shortened_by_the_next_transfer():
    # The second begins 2 s after the first: no promotion, and 2 s of tail; its own tail is whole.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=5.0, tail_w=1.2)}
    world = make_world([8e6], radio_power=radio)
    first, second = send(world, 1 * MB), send(world, 1 * MB, at_s=2.0)
    world.radios.settle()
    assert (first.use.tail_j, second.use.tail_j) == (pytest.approx(2.4), pytest.approx(6.0))
    assert (second.use.promotion_j, second.record.start_s) == (0.0, pytest.approx(3.5))


def test_the_last_instant_of_a_tail_is_within_it():
    # Whatever the rounding: a device that connects then pays no joule of promotion and waits no second, or pays and waits.
    radio = {PROFILE.radio: replace(RADIO, promotion_s=0.5, promotion_w=1.0, tail_s=0.3, tail_w=1.2)}
    for gap_s in (0.3, 0.1 + 0.2, 0.29999999999999993):
        world = make_world([8e6], radio_power=radio)
        first = send(world, 123_457)
        second = send(world, 1, at_s=gap_s)
        waited_s = second.record.start_s - first.record.end_s - gap_s
        assert second.use.promotion_j == pytest.approx(waited_s * 1.0, abs=1e-9)
        assert waited_s == pytest.approx(0.0, abs=1e-9) or waited_s == pytest.approx(0.5, abs=1e-9)


def test_a_device_stays_with_its_cell_while_it_is_connected():
    # At 550 m, 2.6 dB better than the first station but not by 4 dB: within the tail it keeps its cell, else it takes the best.
    way = [(0.0, 450.0, 0.0), (10.0, 550.0, 0.0)]
    for tail_s, station in ((20.0, "s0"), (1.0, "s1")):
        world = make_radio_world([way], radio_power={PROFILE.radio: replace(RADIO, tail_s=tail_s)})
        assert send(world, 1 * MB).record.station == "s0"
        assert send(world, 1 * MB, at_s=11.0).record.station == station


def test_a_device_is_handed_over_in_its_tail():
    # From 450 m to 750 m within the tail: the next transfer begins at the second station, and has no handover of its own.
    world = make_radio_world(
        [[(0.0, 450.0, 0.0), (10.0, 750.0, 0.0)]], transfers="fail", radio_power={PROFILE.radio: replace(RADIO, tail_s=60.0)}
    )
    send(world, 1 * MB)
    sent = send(world, 1 * MB, at_s=11.0)
    assert (sent.record.complete, sent.record.station, sent.record.handovers) == (True, "s1", 0)


def test_attachments_are_forgotten_when_tails_are_over():
    world = make_world([8e6] * 50, radio_power={PROFILE.radio: replace(RADIO, tail_s=1.0)})
    for device in range(50):
        send(world, 1 * MB, device=device, at_s=2.0)
    assert len(world._attached) <= 2
