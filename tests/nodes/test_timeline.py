import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.nodes.durations import Exponential, Fixed, LogNormal
from mecsim.nodes.timeline import Constant, PoissonTimes, Product, Renewal, Steps, cycle_start_s, next_positive
from mecsim.rng import Streams

INF = math.inf
times = st.floats(0.0, 1e6)


def changes(timeline, until_s, start_s=0.0):
    """The changes up to ``until_s`` as (time, value from then on)."""
    found, t = [], timeline.next_change(start_s)
    while t <= until_s:
        found.append((t, timeline.at(t)))
        t = timeline.next_change(t)
    return found


def renewal(seed=1, up=10.0, down=3.0, **options):
    return Renewal(Streams(seed).get("renewal"), Exponential(up), Exponential(down), **options)


def test_a_constant_stays():
    assert Constant(0.3).at(1e9) == 0.3
    assert Constant(0.3).next_change(0.0) == INF


class TestSteps:
    def test_a_value_holds_from_its_time_on(self):
        steps = Steps([10.0, 20.0], [5.0, 7.0], before=1.0)
        assert [steps.at(t) for t in (0.0, 9.9, 10.0, 19.9, 20.0, 1e9)] == [1.0, 1.0, 5.0, 5.0, 7.0, 7.0]
        assert [steps.next_change(t) for t in (0.0, 9.9, 10.0, 20.0)] == [10.0, 10.0, 20.0, INF]

    def test_before_the_first_time_is_the_first_value(self):
        steps = Steps([10.0, 20.0], [5.0, 7.0])
        assert steps.at(0.0) == 5.0
        assert steps.next_change(0.0) == 20.0

    def test_a_period_begins_again(self):
        # 400 g from 6 h to 18 h, 200 g at night: the night goes on over midnight.
        steps = Steps([6.0, 18.0], [400.0, 200.0], period_s=24.0)
        assert changes(steps, 70.0) == [(6.0, 400.0), (18.0, 200.0), (30.0, 400.0), (42.0, 200.0), (54.0, 400.0), (66.0, 200.0)]
        assert steps.at(0.0) == steps.at(24.0) == 200.0

    def test_a_step_of_no_height_is_no_change(self):
        assert changes(Steps([1.0, 2.0, 3.0], [5.0, 5.0, 6.0], before=4.0), 9.0) == [(1.0, 5.0), (3.0, 6.0)]
        assert Steps([0.0, 2.0], [5.0, 5.0], period_s=4.0).next_change(0.0) == INF

    @given(st.floats(0.1, 1e3), st.sets(st.integers(0, 999), min_size=1, max_size=5), times)
    def test_the_value_is_constant_up_to_the_change_and_another_from_it_on(self, period_s, thousandths, t):
        times_s = [period_s * thousandth / 1_000.0 for thousandth in sorted(thousandths)]
        steps = Steps(times_s, [float(i) for i in range(len(times_s))], period_s=period_s)
        change_s = steps.next_change(t)
        assert change_s > t
        if change_s < INF:
            assert steps.at(change_s) != steps.at(t)
            last = math.nextafter(change_s, 0.0)
            assert all(steps.at(min(t + share * (change_s - t), last)) == steps.at(t) for share in (0.1, 0.5, 0.9, 1.0))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (([], []), "at least one, got 0 times, 0 values"),
            (([1.0], [1.0, 2.0]), "got 1 times, 2 values"),
            (([1.0, 1.0], [1.0, 2.0]), "finite and increasing"),
            (([1.0, math.nan], [1.0, 2.0]), "finite and increasing"),
        ],
    )
    def test_times_increase_and_have_a_value_each(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Steps(*arguments)

    @pytest.mark.parametrize("times_s", [[-1.0, 5.0], [0.0, 10.0]])
    def test_times_are_inside_the_period(self, times_s):
        with pytest.raises(ValueError, match="from 0 to less than period_s"):
            Steps(times_s, [1.0, 2.0], period_s=10.0)


@given(times, st.floats(1e-3, 1e5))
def test_cycles_are_found_in_spite_of_rounding(t, period_s):
    start_s = cycle_start_s(t, period_s)
    assert start_s <= t < cycle_start_s(t, period_s, later=1)
    assert cycle_start_s(start_s, period_s) == start_s


class TestRenewal:
    def test_it_is_up_and_down_in_turn(self):
        timeline = Renewal(Streams(1).get("renewal"), Fixed(10.0), Fixed(3.0), down_value=0.5, start="up")
        assert timeline.at(0.0) == 1.0
        assert changes(timeline, 40.0) == [(10.0, 0.5), (13.0, 1.0), (23.0, 0.5), (26.0, 1.0), (36.0, 0.5), (39.0, 1.0)]

    @given(
        st.lists(st.tuples(times.filter(lambda t: t < 2e3), st.sampled_from(["at", "next_change", "next_fall"])), max_size=20)
    )
    def test_the_answers_do_not_depend_on_earlier_questions(self, questions):
        asked = renewal()
        for t, method in questions:
            assert getattr(asked, method)(t) == getattr(renewal(), method)(t)

    def test_falls_are_the_changes_down(self):
        timeline = renewal()
        falls = [t for t, value in changes(timeline, 1e3) if value == 0.0]
        assert len(falls) > 50
        for t in np.linspace(0.0, 900.0, 200).tolist():
            assert timeline.next_fall(t) == falls[bisect_right(falls, t)]

    def test_no_time_down_is_a_fall_all_the_same(self):
        timeline = Renewal(Streams(1).get("renewal"), Fixed(10.0), Fixed(0.0), start="up")
        assert [timeline.next_fall(t) for t in (0.0, 10.0, 25.0)] == [10.0, 20.0, 30.0]
        assert [timeline.at(t) for t in (9.0, 10.0, 20.0)] == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize("t", [0.0, 0.5, 30.0])
    @pytest.mark.parametrize(("up", "down"), [(Exponential(1.0), Exponential(3.0)), (Fixed(2.0), LogNormal(1.0, 1.0))])
    def test_it_is_stationary_from_the_first_moment(self, t, up, down):
        # Begun up, it would be up at 0 in all of the runs, and at 0.5 in 61 % and 100 % of them.
        streams = Streams(2)
        share = np.mean([Renewal(streams.get(i), up, down).at(t) for i in range(3_000)])
        expected = up.mean_s / (up.mean_s + down.mean_s)
        assert abs(share - expected) < 3.29 * math.sqrt(expected * (1.0 - expected) / 3_000)

    def test_another_seed_is_another_timeline(self):
        assert changes(renewal(seed=1), 100.0) == changes(renewal(seed=1), 100.0)
        assert changes(renewal(seed=1), 100.0) != changes(renewal(seed=2), 100.0)

    def test_it_has_to_be_up_at_times(self):
        with pytest.raises(ValueError, match=r"mean time up must be positive, got 0\.0 s"):
            renewal(up=0.0)

    @pytest.mark.parametrize("t", [INF, math.nan])
    def test_a_time_is_finite(self, t):
        with pytest.raises(ValueError, match=f"t must be a finite time, got {t}"):
            renewal().at(t)


class TestProduct:
    def test_all_have_to_work(self):
        # Down from 2 to 6 and from 4 to 8, half from 7 on: down from 2 to 8, then half.
        product = Product([outage(2.0, 6.0), outage(4.0, 8.0), Steps([7.0], [0.5], before=1.0)])
        assert changes(product, 20.0) == [(2.0, 0.0), (6.0, 0.0), (8.0, 0.5)]

    def test_nothing_ends_what_is_down_for_ever(self):
        product = Product([Steps([5.0], [0.0], before=1.0), renewal()])
        assert product.next_change(5.0) == INF
        assert next_positive(product, 5.0) == INF

    def test_of_nothing(self):
        assert Product([]).at(3.0) == 1.0
        assert Product([]).next_change(3.0) == INF

    @given(st.integers(0, 20), times.filter(lambda t: t < 1e3))
    def test_the_value_is_constant_up_to_the_change(self, seed, t):
        product = Product([renewal(seed), renewal(seed + 100, down_value=0.5)])
        change_s = product.next_change(t)
        assert change_s > t
        last = math.nextafter(change_s, 0.0)
        assert all(product.at(min(t + share * (change_s - t), last)) == product.at(t) for share in (0.0, 0.3, 0.6, 1.0))


def outage(start_s, end_s):
    return Steps([start_s, end_s], [0.0, 1.0], before=1.0)


def test_next_positive_time():
    timeline = Product([outage(2.0, 6.0), outage(6.0, 8.0)])
    assert [next_positive(timeline, t) for t in (0.0, 2.0, 5.0, 7.0, 8.0)] == [0.0, 8.0, 8.0, 8.0, 8.0]


class TestPoissonTimes:
    def test_the_answers_do_not_depend_on_earlier_questions(self):
        asked = PoissonTimes(Streams(1).get("arrivals"), 0.5)
        for t in (50.0, 3.0, 0.0, 700.0, 50.0, 699.0):
            assert asked.next_after(t) == PoissonTimes(Streams(1).get("arrivals"), 0.5).next_after(t) > t

    def test_a_time_is_not_after_itself(self):
        arrivals = PoissonTimes(Streams(1).get("arrivals"), 0.5)
        first_s = arrivals.next_after(0.0)
        assert arrivals.next_after(math.nextafter(first_s, 0.0)) == first_s
        assert arrivals.next_after(first_s) > first_s

    def test_rate_and_law(self):
        # The number in 1000 s is Poisson: mean and variance 500. Evenly spaced times would have no variance.
        counts = [count_until(PoissonTimes(Streams(3).get(i), 0.5), 1_000.0) for i in range(100)]
        assert abs(np.mean(counts) - 500.0) < 3.29 * math.sqrt(500.0 / 100)
        assert 0.57 < np.var(counts, ddof=1) / 500.0 < 1.55  # 99.9 % of chi-square with 99 degrees of freedom

    def test_rate_0_is_never(self):
        assert PoissonTimes(Streams(1).get("arrivals"), 0.0).next_after(5.0) == INF

    def test_a_rate_is_not_negative(self):
        with pytest.raises(ValueError, match=r"rate_per_s must be finite and at least 0, got -1\.0"):
            PoissonTimes(Streams(1).get("arrivals"), -1.0)


def count_until(arrivals, until_s):
    n, t = 0, arrivals.next_after(0.0)
    while t <= until_s:
        n, t = n + 1, arrivals.next_after(t)
    return n
