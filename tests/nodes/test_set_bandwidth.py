"""Stories of devices whose weights are set, with the arithmetic in the comments. A device alone has 8 Mb/s: 1 MB a second."""

import math

import numpy as np
import pytest
import test_world_properties as random_worlds
from federation.plain_world import GivenRates
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_worlds import make_radio_world, stays
from transfer_cases import MB, Sent

from mecsim.nodes.radio_settings import shares_of_cells
from mecsim.nodes.world import FlowRules
from mecsim.rng import Streams

NEAR = [stays(100.0), stays(100.0)]


def ends(world, *sent):
    """Let everything end, and return when each did."""
    world.env.run()
    return [each.record.end_s for each in sent]


# By weight ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["downlink", "uplink"])
def test_a_device_of_three_times_the_weight(direction):
    # 6 and 2 Mb/s: 24 Mb take 4 s; the other has 16 of its 24 Mb left, and now 8 Mb/s.
    world = make_radio_world(NEAR, sharing="weighted")
    world.set_radio({0: 3.0}, {})
    both = [Sent(world, 3 * MB, device=device, direction=direction) for device in (0, 1)]
    assert ends(world, *both) == pytest.approx([4.0, 6.0])


def test_a_devices_weight_multiplies_that_of_the_study():
    # 2 x 1.5 against 1: 6 Mb/s while the other transfer is there.
    world = make_radio_world(NEAR, sharing="weighted", flows=FlowRules(weight=2.0))
    world.set_radio({0: 1.5}, {})
    sent = Sent(world, 3 * MB)
    world.radio.cells[0].uplink.start(80e6, 8e6, owner="background")
    assert ends(world, sent) == pytest.approx([4.0])


def test_a_weight_holds_for_transfers_that_begin_later():
    # 4 Mb/s each up to 6 s, whatever is set at 2 s. Then the first begins anew with the weight 3: 6 against 2 Mb/s.
    world = make_radio_world(NEAR, sharing="weighted")
    before = Sent(world, 3 * MB)
    other = Sent(world, 6 * MB, device=1)
    world.env.run(until=2.0)
    world.set_radio({0: 3.0}, {})
    world.env.run(before.process)
    assert before.record.end_s == pytest.approx(6.0)
    after = Sent(world, 3 * MB)
    assert ends(world, after, other) == pytest.approx([10.0, 12.0])


def test_weights_take_the_place_of_earlier_ones():
    world = make_radio_world(NEAR, sharing="weighted")
    world.set_radio({0: 3.0}, {})
    world.set_radio({1: 3.0}, {})
    both = [Sent(world, 3 * MB, device=device) for device in (0, 1)]
    assert ends(world, *both) == pytest.approx([6.0, 4.0])


def brute_force(sizes, weights, rate):
    """Return when flows end that begin together and share ``rate`` by weight: one end after the other."""
    left, ended, now = dict(enumerate(sizes)), {}, 0.0
    while left:
        total = sum(weights[i] for i in left)
        step, first = min((left[i] * total / (rate * weights[i]), i) for i in left)
        left = {i: bits - rate * weights[i] / total * step for i, bits in left.items() if i != first}
        now += step
        ended[first] = now
    return [ended[i] for i in range(len(sizes))]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(10_000, 5 * MB), st.floats(0.1, 10.0)), min_size=1, max_size=6))
def test_shares_by_weight_against_brute_force(devices):
    sizes, weights = zip(*devices, strict=True)
    world = make_radio_world([stays(100.0)] * len(devices), sharing="weighted")
    world.set_radio(dict(enumerate(weights)), {})
    sent = [Sent(world, size, device=device) for device, size in enumerate(sizes)]
    found = ends(world, *sent)
    assert found == pytest.approx(brute_force([8.0 * size for size in sizes], weights, 8e6), rel=1e-6)
    assert max(found) == pytest.approx(sum(sizes) / MB)  # nothing is idle while somebody has something to send
    assert world.radio.cells[0].uplink.delivered_bits == pytest.approx(8.0 * sum(sizes))


# By assigned shares -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["downlink", "uplink"])
def test_an_assigned_share_is_ones_own_and_no_more(direction):
    # 6 and 2 Mb/s: 4 s, and 12 s, though the first has long ended.
    world = make_radio_world(NEAR, sharing="assigned")
    world.set_radio({0: 3.0, 1: 1.0}, {})
    both = [Sent(world, 3 * MB, device=device, direction=direction) for device in (0, 1)]
    assert ends(world, *both) == pytest.approx([4.0, 12.0])


def test_who_was_not_named_has_what_the_others_leave():
    # The third has nothing up to 4 s, then the 6 Mb/s of the first.
    world = make_radio_world([*NEAR, stays(100.0)], sharing="assigned")
    world.set_radio({0: 3.0, 1: 1.0}, {})
    sent = [Sent(world, 3 * MB, device=device) for device in (0, 1, 2)]
    assert ends(world, *sent) == pytest.approx([4.0, 12.0, 8.0])


def test_each_cell_is_divided_among_its_own():
    # Devices 0 and 2 are in the first cell, 3 to 1; device 1 has the second one to itself, whatever its weight.
    world = make_radio_world([stays(100.0), stays(900.0), stays(200.0)], sharing="assigned")
    world.set_radio({0: 3.0, 1: 0.01, 2: 1.0}, {})
    sent = [Sent(world, 3 * MB, device=device) for device in (0, 1, 2)]
    assert ends(world, *sent) == pytest.approx([4.0, 3.0, 12.0])


def test_a_new_division_holds_at_once_and_none_is_equal_shares():
    # 2 and 6 Mb/s up to 2 s, 6 and 2 up to 3 s, 4 and 4 then: 10 and 14 Mb carried, 14 left of 24 and 10 of 24.
    world = make_radio_world(NEAR, sharing="assigned")
    both = [Sent(world, 3 * MB, device=device) for device in (0, 1)]
    world.set_radio({0: 1.0, 1: 3.0}, {})
    world.env.run(until=2.0)
    world.set_radio({0: 3.0, 1: 1.0}, {})
    world.env.run(until=3.0)
    world.set_radio({}, {})
    # The second after 10 / 4 s, the first has 4 Mb left then and 8 Mb/s.
    assert ends(world, *both) == pytest.approx([6.0, 5.5])


def test_the_cell_that_serves_is_the_one_that_a_device_is_attached_to():
    # At 43 s the device is at 530 m: it would attach to the second cell, but hands over at 576 m only. The first is divided,
    # and device 1 has half of it. At 70 s it is in the second cell; of the first, device 1 has all again, for nobody else has.
    world = make_radio_world([[(0.0, 100.0, 0.0), (80.0, 900.0, 0.0)], stays(100.0)], sharing="assigned")
    sent, other = Sent(world, 200 * MB), Sent(world, 60 * MB, device=1, at_s=43.5)
    world.env.run(until=43.0)
    assert world.link_now(0).cell == 1
    world.set_radio({0: 1.0, 1: 1.0}, {})
    world.env.run(until=45.5)
    first, second = (cell.uplink for cell in world.radio.cells)
    (flow,) = [flow for flow in first._active() if flow.owner == 1]
    assert flow.bits - first.left_bits(flow) == pytest.approx(8e6)  # 2 s at 4 Mb/s
    world.env.run(until=70.0)
    world.set_radio({0: 1.0}, {})
    assert (first._assigned, second._assigned) == ({}, {0: 1.0})
    world.env.run(other.process)
    assert not sent.record.complete
    # 4 Mb/s while both are in the first cell and, its half being its own, up to 70 s: 106 Mb. Then 374 Mb at 8 Mb/s.
    assert other.record.end_s == pytest.approx(70.0 + 374.0 / 8.0)


@given(
    st.dictionaries(st.integers(0, 50), st.floats(1e-3, 1e3), max_size=20),
    st.lists(st.integers(0, 3), min_size=51, max_size=51),
)
def test_shares_are_in_proportion_and_use_each_cell_up(weights, cells):
    found = shares_of_cells(weights, dict(enumerate(cells)))
    assert sorted(device for shares in found.values() for device in shares) == sorted(weights)
    for cell, shares in found.items():
        assert math.fsum(shares.values()) == pytest.approx(1.0)
        assert {cells[device] for device in shares} == {cell}
        ratios = [share / weights[device] for device, share in shares.items()]
        assert max(ratios) == pytest.approx(min(ratios))


# Refused, or nothing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharing", ["equal", "rate-fair", "proportional-fair", "max-ci", "fdma", "min-max"])
def test_weights_where_nobody_asks_for_them(sharing):
    world = make_radio_world(NEAR, sharing=sharing)
    world.set_radio({0: 1.0, 1: 1.0}, {})  # what they have anyway
    with pytest.raises(ValueError, match=r"bandwidth 2\.0 for device 1: devices have weights only where"):
        world.set_radio({0: 1.0, 1: 2.0}, {})


def test_weights_where_everybody_has_a_measured_rate_of_ones_own():
    world = make_radio_world(NEAR, sharing="weighted", measured=GivenRates([8e6, 8e6]))
    with pytest.raises(ValueError, match="devices share their cells"):
        world.set_radio({0: 2.0}, {})
    shared = make_radio_world(NEAR, sharing="weighted", measured=GivenRates([8e6, 8e6]), measured_is_shared=True)
    shared.set_radio({0: 3.0}, {})
    assert ends(shared, *[Sent(shared, 3 * MB, device=device) for device in (0, 1)]) == pytest.approx([4.0, 6.0])


@pytest.mark.parametrize("weight", [0.0, -1.0, math.inf, math.nan])
def test_senseless_weights_change_nothing(weight):
    world = make_radio_world(NEAR, sharing="assigned")
    world.set_radio({0: 3.0, 1: 1.0}, {})
    with pytest.raises(ValueError, match=r"a bandwidth weight must be finite and above 0, got .* for device 1"):
        world.set_radio({0: 1.0, 1: weight}, {})
    assert ends(world, *[Sent(world, 3 * MB, device=device) for device in (0, 1)]) == pytest.approx([4.0, 12.0])


# In every world -----------------------------------------------------------------------------------------------------------


def set_now_and_then(world, spec):
    """Set weights, where they may be, and powers of random devices every 2.7 s."""
    draw, devices = Streams(spec.seed).get("set-by-the-test"), np.arange(spec.n_devices)
    while True:
        named = devices[draw.random(spec.n_devices) < 0.6]
        weights = {int(device): float(draw.uniform(0.2, 5.0)) for device in named}
        powers_db = {int(device): float(draw.uniform(-25.0, 0.0)) for device in devices[draw.random(spec.n_devices) < 0.6]}
        world.set_radio(weights if spec.sharing in ("weighted", "assigned") else {}, powers_db)
        yield world.env.timeout(2.7)


@settings(deadline=None, max_examples=12)
@given(random_worlds.specs)
def test_bits_and_joules_are_conserved_whatever_is_set(spec):
    plain = random_worlds.make

    def make(spec):
        world, start_j = plain(spec)
        world.env.process(set_now_and_then(world, spec))
        return world, start_j

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_worlds, "make", make)
        world, turns, flows, start_j = random_worlds.live(spec, watched=True)
    random_worlds.check_turns(turns)
    random_worlds.check_bits(world, turns, flows)
    random_worlds.check_joules(world, turns, start_j)


@settings(deadline=None, max_examples=4)
@given(random_worlds.specs)
def test_setting_nothing_changes_nothing(spec):
    plain = random_worlds.make

    def make(spec):
        world, start_j = plain(spec)
        world.env.process(set_nothing(world))
        return world, start_j

    alone = random_worlds.trace(random_worlds.live(spec)[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_worlds, "make", make)
        assert random_worlds.trace(random_worlds.live(spec)[1]) == alone


def set_nothing(world):
    while True:
        world.set_radio({}, dict.fromkeys(range(len(world.fleet)), 0.0))
        yield world.env.timeout(1.9)
