"""Stories of devices that send with less power, with the arithmetic in the comments.

Over x metres, 23 dBm are 23 + 5 - 43.3291 - 30 log10(x) + 95.9897 dB over the noise: 20.66 dB over 100 m, 0 dB at ``AWAY_M``.
"""

import math

import numpy as np
import pytest
from federation.plain_world import PROFILE, GivenRates, PlainScheme
from hypothesis import given
from hypothesis import strategies as st
from radio_cases import budget, channel, received
from radio_worlds import GivenFaults, make_radio_world, stays
from transfer_cases import MB, PLAIN_RADIO, Sent, charged, send, steps_of_sinr

from mecsim.build.view import FleetView
from mecsim.nodes.budget import UplinkPower
from mecsim.nodes.radio_power import RADIO_POWER, physical_radio
from mecsim.nodes.world import FlowRules

AWAY_M = 10 ** ((23.0 + 5.0 - 43.3291 + 95.9897) / 30.0)
HALF_DB = 10.0 * math.log10(0.5)
CONTROLLED = UplinkPower(p0_dbm_per_rb=-90.0, alpha=0.8)


def shannon(snr):
    return np.log2(1.0 + np.asarray(snr))


def away(n=1, **options):
    """Return a world of devices that have 0 dB uplink, so 10 Mb/s alone."""
    return make_radio_world([stays(AWAY_M)] * n, law=shannon, snr_min_db=-10.0, **options)


# Links --------------------------------------------------------------------------------------------------------------------


def test_only_the_uplink_falls_and_by_just_that():
    one, at = budget(channel(shadowing=False)), received(shadowing=False)
    column = one.strongest(at)
    powers_db = np.linspace(-30.0, 0.0, len(column))
    full, less = one.links(at, column, one.no_activity()), one.links(at, column, one.no_activity(), power_db=powers_db)
    np.testing.assert_allclose(less.uplink_sinr_db, full.uplink_sinr_db + powers_db, rtol=0.0, atol=1e-9)
    np.testing.assert_array_equal(less.downlink_rate_bps, full.downlink_rate_bps)
    assert np.all(less.uplink_rate_bps <= full.uplink_rate_bps)
    assert less.uplink_rate_bps[-1] == full.uplink_rate_bps[-1]  # 0 dB


def test_power_control_that_asks_for_less_anyway_does_not_notice():
    # -90 + 0.8 x loss + 20 dBm: 10 dBm at 100 dB, 22 at 115, and 23 dBm, the largest, from 116.25 dB on.
    one = budget(channel(), power=CONTROLLED)
    gains_db = np.array([-100.0, -115.0, -130.0])
    np.testing.assert_allclose(one.sent_dbm(gains_db), [10.0, 22.0, 23.0])
    np.testing.assert_allclose(one.sent_dbm(gains_db, -3.0), [10.0, 20.0, 20.0])
    np.testing.assert_allclose(one.sent_dbm(gains_db, np.array([-14.0, -0.5, -20.0])), [9.0, 22.0, 3.0])
    np.testing.assert_allclose(one.sent_to_dbm(0, gains_db, -3.0), [10.0, 20.0, 20.0])


def test_what_is_expected_knows_the_power():
    world = away(2)
    before = world.radio.links(np.array([0, 1]), 0.0)
    world.set_radio({}, {1: HALF_DB})
    after = world.radio.links(np.array([0, 1]), 0.0)
    assert after.uplink_rate_bps == pytest.approx([10e6, 10e6 * math.log2(1.5)], rel=1e-4)
    assert after.downlink_rate_bps.tolist() == before.downlink_rate_bps.tolist()
    assert world.link_now(1).uplink_rate_bps == after.uplink_rate_bps[1]
    assert world.link_now(0).uplink_rate_bps == before.uplink_rate_bps[0]
    view = FleetView(world, PlainScheme(), [10, 10], lambda jobs: [])
    first_s, second_s = view.expected_turn_s(np.array([0, 1]))
    # 1 kB up, before and after: 8,000 bits.
    assert second_s - first_s == pytest.approx(8e-4 * (1.0 / math.log2(1.5) - 1.0), rel=1e-3)
    world.set_radio({}, {})
    assert world.radio.links(np.array([0, 1]), 0.0).uplink_rate_bps.tolist() == before.uplink_rate_bps.tolist()


def test_too_little_power_is_out_of_coverage():
    # 0 dB less 10 dB is the least that is served on all of the band; weaker devices are given a part of it, which goes down to
    # one resource block of 180 kHz, 1 / 111 of 20 MHz: another 20.46 dB.
    world = away()
    for power_db, has_rate in ((-30.4, True), (-30.5, False)):
        world.set_radio({}, {0: power_db})
        assert (world.link_now(0).uplink_rate_bps > 0.0) == has_rate
        assert world.in_coverage(0, world.link_now(0)) == has_rate


# Transfers ----------------------------------------------------------------------------------------------------------------


def test_half_of_the_power_by_hand():
    # log2(1.5) in place of log2(2), on 10 MHz.
    world = away()
    world.set_radio({}, {0: HALF_DB})
    assert send(world, 1 * MB).record.duration_s == pytest.approx(8.0 / (10.0 * math.log2(1.5)), rel=1e-4)
    down_s = send(away(), 1 * MB, direction="downlink").record.duration_s
    assert send(world, 1 * MB, direction="downlink").record.duration_s == pytest.approx(down_s, rel=1e-12)


def test_half_of_the_power_on_half_of_the_band():
    # 0 dB on half of the band: log2(2) on 5 MHz, where all of the power has log2(3).
    world = away(2, sharing="fdma", flows=FlowRules(uplink_power_limited=True))
    world.set_radio({}, {0: HALF_DB, 1: HALF_DB})
    both = [Sent(world, 1 * MB, device=device) for device in (0, 1)]
    world.env.run()
    assert [sent.record.end_s for sent in both] == [pytest.approx(8.0 / 5.0, rel=1e-4)] * 2


@pytest.mark.parametrize("tail_s", [0.0, 100.0])
def test_a_transfer_keeps_the_power_with_which_it_began(tail_s):
    # From -10 dB on 8 Mb/s, below it 4 Mb/s. With 40 dB less, 100 m to 600 m are below it. The first transfer does not notice,
    # though its link is looked at every 5 m; the second, in a tail or not, has 4 Mb/s, and the third all of its power again.
    radio = {PROFILE.radio: physical_radio(23.0, tail_s=tail_s)}
    ways, law = [[(0.0, 100.0, 0.0), (50.0, 600.0, 0.0)]], steps_of_sinr(0.1, 0.4)
    world = make_radio_world(ways, stations_m=((0.0, 0.0),), law=law, radio_power=radio)
    first = Sent(world, 10 * MB)
    world.env.run(until=3.0)
    world.set_radio({}, {0: -40.0})
    world.env.run(first.process)
    assert first.record.duration_s == pytest.approx(10.0)
    second = Sent(world, 10 * MB)
    world.env.run(until=15.0)
    world.set_radio({}, {})
    world.env.run(second.process)
    assert second.record.duration_s == pytest.approx(20.0)
    assert send(world, 10 * MB).record.duration_s == pytest.approx(10.0)


def test_a_transfer_keeps_its_power_in_the_next_cell():
    # The first station fails at 2 s; 50 ms later the transfer goes on by the second, 900 m away: -8 dB, less 3 dB. From -10 dB
    # on 8 Mb/s, below it 4: 2 s at 8, the rest of 8 MB at 4 Mb/s, although all of the power is back by then.
    options = {"law": steps_of_sinr(0.1, 0.4), "faults": GivenFaults(stations={"s0": [(2.0, math.inf)]})}
    world = make_radio_world([stays(100.0)], **options)
    world.set_radio({}, {0: -3.0})
    sent = Sent(world, 10 * MB)
    world.env.run(until=1.0)
    world.set_radio({}, {})
    world.env.run(sent.process)
    assert sent.record.end_s == pytest.approx(2.05 + 16.0)
    assert sent.record.handovers == 1
    assert send(make_radio_world([stays(100.0)], **options), 10 * MB).record.end_s == pytest.approx(2.05 + 8.0)


def test_who_sends_with_less_power_is_heard_less_by_others():
    # As where neighbours hear each other up: 6.35 dB alone, a ratio of 4.3, and what arrives over 700 m is 4.69 dB below the
    # noise, which leaves 3.2. With 10 dB less of it, 4.16: above the 4 from which on there are 8 Mb/s.
    world = make_radio_world([stays(300.0), stays(700.0)], law=steps_of_sinr(4.0, 0.4), coupled=True)
    world.set_radio({}, {1: -10.0})
    first, second = Sent(world, 5 * MB), Sent(world, 5 * MB, device=1)
    world.env.run()
    assert (first.record.end_s, second.record.end_s) == (pytest.approx(5.0), pytest.approx(10.0))


# Joules -------------------------------------------------------------------------------------------------------------------


def test_an_amplifier_draws_less_and_receiving_the_same():
    # 23 dBm draw 0.570 W and 0.3 W of circuits; 20 dB less is a tenth of the 0.570 W. One second each; receiving 0.65 W.
    world = make_radio_world([stays(100.0)], radio_power={PROFILE.radio: physical_radio(23.0, tail_s=0.0)})
    full, down = send(world, 1 * MB), send(world, 1 * MB, direction="downlink")
    world.set_radio({}, {0: -20.0})
    less, down_after = send(world, 1 * MB), send(world, 1 * MB, direction="downlink")
    assert (full.record.energy_j, less.record.energy_j) == (pytest.approx(0.870, abs=5e-4), pytest.approx(0.357, abs=5e-4))
    assert (down.record.energy_j, down_after.record.energy_j) == (pytest.approx(0.65), pytest.approx(0.65))
    assert world.radios.power(0).uplink_overhead_w == pytest.approx(0.357, abs=5e-4)  # what is expected


def test_joules_are_those_of_the_power_with_which_a_transfer_began():
    # All of 2 s at 0.870 W, from the battery too, though the power is taken away in the middle.
    batteries = charged(100.0)
    world = make_radio_world([stays(100.0)], radio_power={PROFILE.radio: physical_radio(23.0, tail_s=0.0)}, batteries=batteries)
    sent = Sent(world, 2 * MB)
    world.env.run(until=1.0)
    world.set_radio({}, {0: -20.0})
    world.env.run(sent.process)
    assert sent.record.energy_j == pytest.approx(1.740, abs=1e-3)
    assert 100.0 - batteries.level_j(np.array([0]), 2.0)[0] == pytest.approx(sent.record.energy_j + 2.0 * PROFILE.idle_w)


def test_a_fit_to_measurements_knows_no_power():
    # 2 W and 0.8 W a second of sending: less power is no saving, only a slower transfer.
    world = away(radio_power=PLAIN_RADIO)
    world.set_radio({}, {0: HALF_DB})
    sent = send(world, 1 * MB)
    assert sent.record.energy_j == pytest.approx(2.0 * sent.record.duration_s + 0.8)
    assert all(radio.sending(-10.0) is radio for radio in RADIO_POWER.values())


@given(st.floats(-40.0, 0.0), st.floats(-40.0, 0.0))
def test_an_amplifier_with_more_output_never_draws_less(one_db, other_db):
    less_db, more_db = sorted((one_db, other_db))
    radio = physical_radio(23.0)
    assert radio.sending(less_db).uplink_overhead_w <= radio.sending(more_db).uplink_overhead_w <= radio.uplink_overhead_w
    assert radio.sending(less_db).uplink_overhead_w == pytest.approx(physical_radio(23.0 + less_db).uplink_overhead_w)
    assert radio.sending(0.0) == radio


# Refused ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power_db", [0.1, -math.inf, math.nan])
def test_senseless_powers_change_nothing(power_db):
    world = away()
    world.set_radio({}, {0: HALF_DB})
    before = world.link_now(0)
    with pytest.raises(ValueError, match=r"power_db must be finite and 0 or less, got .* for device 0"):
        world.set_radio({}, {0: power_db})
    assert world.link_now(0) == before


def test_measured_rates_depend_on_no_power():
    world = make_radio_world([stays(100.0)], measured=GivenRates([8e6]))
    world.set_radio({}, {0: 0.0})
    with pytest.raises(ValueError, match="measured rates depend on no transmit power"):
        world.set_radio({}, {0: -1.0})
