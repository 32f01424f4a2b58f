"""What the built-in policies decide, on small fleets with numbers by hand."""

from collections import Counter

import numpy as np
import pytest
from observed import created, observed

from mecsim.errors import MecsimError
from mecsim.knobs import Settings

RHO = (0.0, 0.5, 0.75)
YES, NO = True, False
INF = np.inf


def told(decision):
    """Return who is asked, and with which choice."""
    return [(each.device, each.settings.choice) for each in decision.assignments]


def test_fixed_tells_everybody_the_same():
    shown = observed(3, RHO, devices=[2, 5, 9], feasible=False)
    policy = created("fixed", shown, choice=0.5, epochs=2, renew="never", power_db=-6.0)
    decision = policy.decide(shown)
    assert decision.devices == (2, 5, 9)
    assert {each.settings for each in decision.assignments} == {Settings(choice=0.5, renew=False, epochs=2)}
    assert {each.power_db for each in decision.assignments} == {-6.0}
    assert not policy.chooses_devices


def test_fixed_takes_the_scheme_s_own_choice_where_none_is_named():
    assert told(created("fixed", observed(1, RHO, default=2)).decide(observed(1, RHO, default=2))) == [(0, 0.75)]
    # Where there is nothing to choose, nothing is said, so that it goes with schemes without a knob.
    assert created("fixed").decide(observed(1)).assignments[0].settings == Settings()


@pytest.mark.parametrize("name", ["fixed", "min-max-delay"])
def test_a_choice_that_the_scheme_does_not_have_is_refused_with_those_that_it_has(name):
    with pytest.raises(MecsimError, match=r"0\.6 is none of the scheme's: 0, 0\.5, 0\.75 .*Name one of these"):
        created(name, observed(1, RHO), choice=0.6)


def test_memory_gives_each_the_most_demanding_choice_that_it_can_do():
    shown = observed(4, RHO, feasible=[[YES, YES, YES], [NO, YES, YES], [NO, NO, YES], [NO, NO, NO]])
    decision = created("memory", shown).decide(shown)
    assert told(decision) == [(0, 0.0), (1, 0.5), (2, 0.75), (3, 0.75)], "who can do nothing gets the last, and refuses"
    assert all(each.settings.renew for each in decision.assignments)
    assert not any(each.settings.renew for each in created("memory", shown, renew="never").decide(shown).assignments)


def test_greedy_asks_for_what_ends_first_or_takes_least():
    shown = observed(
        4,
        RHO,
        devices=[1, 3, 4, 8],
        n_asked=2,
        expected_s=[[9, 7, 8], [5, 5, 6], [7, 9, 9], [1, 1, 1]],
        expected_j=[[2, 4, 4], [9, 8, 9], [3, 2, 3], [1, 1, 1]],
        available=[YES, YES, YES, NO],
    )
    assert told(created("greedy-finish", shown).decide(shown)) == [(3, 0.0), (1, 0.5)], (
        "of equal ones the lower device, earlier choice"
    )
    assert told(created("greedy-energy", shown).decide(shown)) == [(1, 0.0), (4, 0.5)]


def test_novelty_asks_for_the_most_samples_of_classes_that_were_missing():
    shown = observed(
        5,
        RHO,
        devices=[1, 3, 4, 8, 9],
        n_asked=3,
        n_samples=[10, 20, 40, 90, 99],
        novelty=[1.0, 0.5, 0.5, 0.0, 1.0],
        feasible=[[YES] * 3, [NO, NO, YES], [YES, NO, YES], [YES] * 3, [YES, NO, NO]],
        expected_s=[[9, 9, 9], [9, 9, 9], [9, 9, 9], [9, 9, 9], [INF, 9, 9]],
    )
    first = created("greedy-novelty", shown).decide(shown)
    assert told(first) == [(4, 0.0), (1, 0.0), (3, 0.75)], "20, 10 and 10 of them; the last one could not end"
    assert all(each.settings.renew for each in first.assignments)
    second = created("greedy-novelty", shown, choice=0.5, renew="never").decide(shown)
    assert told(second) == [(4, 0.75), (1, 0.5), (3, 0.75)]
    assert not any(each.settings.renew for each in second.assignments)


def test_where_nothing_has_classes_novelty_asks_for_the_most_samples():
    shown = observed(3, n_asked=2, n_samples=[5, 7, 6], novelty=np.nan, expected_s=1.0)
    assert created("greedy-novelty", shown).decide(shown).devices == (1, 2)


def test_greedy_looks_at_feasible_choices_alone_and_asks_nobody_who_could_not_end():
    shown = observed(
        3, RHO, feasible=[[NO, YES, YES], [NO, NO, NO], [YES, YES, YES]], expected_s=[[1, 4, 3], [1, 1, 1], [INF] * 3]
    )
    assert told(created("greedy-finish", shown).decide(shown)) == [(0, 0.75)]


def test_greedy_counts_what_is_not_downloaded_where_nothing_is_renewed():
    """Device 1 is a second slower, and saves two: 16 Mbit at 8 Mbit/s."""
    shown = observed(
        2,
        RHO[:1],
        n_asked=1,
        renews=True,
        expected_s=[[4.0], [5.0]],
        downlink_bps=8e6,
        download_bytes=[[2e6], [2e6]],
        kept_download_bytes=[[2e6], [0.0]],
    )
    assert created("greedy-finish", shown).decide(shown).devices == (0,)
    assert created("greedy-finish", shown, renew="never").decide(shown).devices == (1,)


def test_random_draws_devices_and_choices_with_equal_chances():
    """Of 4 that can, 2 are asked: each in half of 4,000 rounds; a standard error is 32. Device 0 has two choices."""
    feasible = [[YES, YES, NO], [NO, NO, NO], [NO, NO, YES], [YES, YES, YES], [YES, YES, YES]]
    policy = created("random", observed(5, RHO, n_asked=2))
    asked, chosen = Counter(), Counter()
    for number in range(1, 4001):
        decision = policy.decide(observed(5, RHO, n_asked=2, round_number=number, feasible=feasible))
        assert len(decision.assignments) == 2
        asked.update(decision.devices)
        chosen.update(told(decision))
    assert set(asked) == {0, 2, 3, 4}
    assert all(abs(count - 2000) < 4 * 32 for count in asked.values())
    assert chosen[0, 0.0] + chosen[0, 0.5] == asked[0]
    assert abs(chosen[0, 0.0] - asked[0] / 2) < 4 * 23
    assert chosen[2, 0.75] == asked[2]
    assert all(abs(chosen[3, rho] - asked[3] / 3) < 4 * 22 for rho in RHO)


def test_random_varies_numbers_and_bandwidths_where_it_is_told_to():
    shown = [observed(3, RHO, n_asked=3, round_number=number) for number in range(1, 601)]
    policy = created("random", shown[0], vary_number=True, bandwidths=[1.0, 3.0])
    decisions = [policy.decide(each) for each in shown]
    sizes = Counter(len(decision.assignments) for decision in decisions)
    assert all(abs(sizes[n] - 200) < 4 * 12 for n in (1, 2, 3))
    weights = Counter(each.bandwidth for decision in decisions for each in decision.assignments)
    assert set(weights) == {1.0, 3.0}
    assert abs(weights[1.0] - weights[3.0]) < 4 * 35, "some 1,200 weights"
    assert {each.bandwidth for each in created("random").decide(observed(1)).assignments} == {1.0}


def test_random_throws_a_coin_where_there_is_something_to_renew():
    def renewals(**given):
        policy = created("random")
        shown = (observed(1, RHO, round_number=number, **given) for number in range(1, 401))
        return sum(policy.decide(each).assignments[0].settings.renew for each in shown)

    assert abs(renewals(renews=True, age=1.0) - 200) < 4 * 10
    assert renewals(renews=True, age=np.nan) == 400, "it holds no version"
    assert renewals(renews=False, age=1.0) == 400, "nothing is ever made anew"


def test_random_draws_a_device_s_numbers_whatever_the_others_can_do():
    """Who else is there changes nobody's choice, and the order stays."""
    few, all_there = [YES, NO, YES, YES, NO, YES], [YES] * 6
    for number in range(1, 30):
        whole = created("random").decide(observed(6, RHO, round_number=number, available=all_there))
        part = created("random").decide(observed(6, RHO, round_number=number, available=few))
        assert told(part) == [(device, choice) for device, choice in told(whole) if few[device]]


def test_min_max_delay_divides_so_that_all_end_together():
    """Both fetch 8 Mbit and send 8 Mbit: alone 2 s and 4 s; the second computes for 2 s more.

    With shares b, 1 - b of one cell, 2 / b = 2 + 4 / (1 - b) gives b = 2 - sqrt(3): T = 4 + 2 sqrt(3) s.
    """
    shown = observed(2, compute_s=[[1.0], [3.0]], downlink_bps=[8e6, 4e6], uplink_bps=[8e6, 4e6])
    policy = created("min-max-delay", shown)
    first, second = (each.bandwidth for each in policy.decide(shown).assignments)
    assert first / (first + second) == pytest.approx(2.0 - np.sqrt(3.0))
    assert first + second == pytest.approx(2.0), "1 in the mean"


def test_min_max_delay_gives_choices_as_memory_does_or_one_to_all():
    shown = observed(3, RHO, feasible=[[YES, YES, YES], [NO, YES, YES], [NO, NO, NO]], downlink_bps=[8e6, 8e6, 0.0])
    assert told(created("min-max-delay", shown).decide(shown)) == [(0, 0.0), (1, 0.5), (2, 0.75)]
    assert told(created("min-max-delay", shown, choice=0.5).decide(shown)) == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_min_max_delay_gives_little_to_who_will_refuse_and_the_mean_to_who_may_come_back():
    shown = observed(
        4, feasible=[[YES], [YES], [NO], [NO]], compute_s=[[1.0], [1.0], [INF], [INF]], downlink_bps=[8e6, 8e6, 8e6, 0.0]
    )
    weights = [each.bandwidth for each in created("min-max-delay", shown).decide(shown).assignments]
    assert weights == pytest.approx([1.0, 1.0, 0.001, 1.0])


def test_min_max_delay_counts_what_is_downloaded_without_renewals():
    shown = observed(2, renews=True, download_bytes=1e6, kept_download_bytes=[[0.0], [1e6]], compute_s=0.0)
    renewing, keeping = (created("min-max-delay", shown, renew=renew).decide(shown) for renew in ("always", "never"))
    assert [each.bandwidth for each in renewing.assignments] == pytest.approx([1.0, 1.0])
    assert [each.bandwidth for each in keeping.assignments] == pytest.approx([2 / 3, 4 / 3]), "1 s against 2 s alone"
