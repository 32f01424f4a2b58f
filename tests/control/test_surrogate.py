"""The surrogate of quality: its formula by hand, what cannot be otherwise in nature, and fits to made-up data."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from control_trials import COEFFICIENTS
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.control.surrogate import Merged, Surrogate
from mecsim.control.surrogate_errors import Trajectory, residuals_of
from mecsim.control.surrogate_fit import Fitted, fit
from mecsim.control.surrogate_model import Limits
from mecsim.errors import MecsimError

SURROGATE = Surrogate(choices=(0.0, 0.5, 0.9), start_accuracy=0.1, coefficients=COEFFICIENTS)
N_CLASSES = 5


def update(n_samples: int = 100, choice: int = 0, age: int = 0, histogram: tuple[int, ...] = ()) -> Merged:
    return Merged(choice=choice, age=age, n_samples=n_samples, histogram=histogram)


def after(surrogate: Surrogate, rounds: list[list[Merged]], total: tuple[int, ...] = (100, 100)) -> list[float]:
    state, accuracies = surrogate.start(total), []
    for merged in rounds:
        state = surrogate.step(state, merged)
        accuracies.append(state.accuracy)
    return accuracies


def only(device: int, n: int = 100) -> tuple[int, ...]:
    return tuple(n if place == device else 0 for place in range(2))


class TestFormula:
    def test_without_classes_by_hand(self) -> None:
        # 4 devices of 200 samples with the second choice, two of them a version behind.
        merged = [update(200, 1), update(200, 1), update(200, 1, age=1), update(200, 1, age=1)]
        log_age = math.log(2.0) / 2.0
        rate = math.exp(0.2 + (0.8 + 0.5 * 0.9) * math.log(2.0) - 0.3 * log_age - 0.3)
        floor = math.exp(-3.2 + 0.4 * log_age + 0.3)
        expected = 1.0 - (floor + (0.9 - floor) * math.exp(-rate))
        assert after(SURROGATE, [merged]) == pytest.approx([expected], rel=1e-12)

    def test_one_class_missing_by_hand(self) -> None:
        # One device of 100 samples, all of the first of two equal classes: exposures 2 and 0, and one update in place of four.
        least = math.exp(-3.0)
        seen, unseen = math.log((2.0 + least) / (1.0 + least)), math.log(least / (1.0 + least))

        def error(g: float) -> float:
            rate = math.exp(0.2 + 0.4 * math.log(0.25) + 0.9 * g + 0.4 * g)
            floor = min(1.0, math.exp(-3.2 - 0.2 * math.log(0.25) - 1.0 * g - 0.4 * g))
            return floor + (0.9 - floor) * math.exp(-rate)

        expected = 1.0 - (error(seen) + error(unseen)) / 2.0
        assert after(SURROGATE, [[update(histogram=only(0))]]) == pytest.approx([expected], rel=1e-12)

    def test_choices_and_sizes_are_means_by_samples(self) -> None:
        # 300 samples with the first choice, 100 with the third: shares 3/4 and 1/4, 250 samples locally, 1.6 updates.
        rate = math.exp(0.2 + (0.8 + 0.5 * 0.9) * math.log(2.5) + 0.4 * math.log(0.4) - 0.8 / 4.0)
        floor = math.exp(-3.2 - 0.2 * math.log(0.4) + 0.9 / 4.0)
        expected = 1.0 - (floor + (0.9 - floor) * math.exp(-rate))
        assert after(SURROGATE, [[update(300, 0), update(100, 2)]]) == pytest.approx([expected], rel=1e-12)

    def test_exposure_is_remembered_as_an_exponential_mean(self) -> None:
        # Memory 0.5: after rounds with only the first class, and then only the second, the means are 2/3 and 4/3.
        quiet = replace(
            COEFFICIENTS,
            rate_exposure=0.0,
            rate_device_exposure=0.0,
            floor_device_exposure=0.0,
            rate_level=20.0,
            floor_updates=0.0,
        )
        accuracies = after(replace(SURROGATE, coefficients=quiet), [[update(histogram=only(0))], [update(histogram=only(1))]])
        least = math.exp(-3.0)
        floors = [math.exp(-3.2) * (1.0 + least) / (mean + least) for mean in (2.0 / 3.0, 4.0 / 3.0)]
        # The highest rate is exp(3): what is left of the start is less than 1e-8.
        assert accuracies[1] == pytest.approx(1.0 - sum(floors) / 2.0, abs=1e-7)

    def test_a_round_without_updates_changes_nothing(self) -> None:
        state = SURROGATE.step(SURROGATE.start((60, 40)), [update(histogram=(30, 10))])
        assert SURROGATE.step(state, []) is state
        assert SURROGATE.start((60, 40)).accuracy == pytest.approx(0.1)

    def test_an_unknown_histogram_is_the_fleets_mix(self) -> None:
        assert after(SURROGATE, [[update(80)]], (75, 25)) == after(SURROGATE, [[update(80, histogram=(60, 20))]], (75, 25))

    def test_rounds_beyond_the_limits_are_those_at_the_limits(self) -> None:
        limited = replace(SURROGATE, limits=Limits(log_local=(-1.0, 0.5), log_updates=(-1.0, 0.0), log_age=math.log(3.0)))
        at_limit = [[update(round(100.0 * math.exp(0.5)), age=2)] * 4]
        assert after(limited, [[update(10_000, age=50)] * 30]) == pytest.approx(after(limited, at_limit), abs=1e-3)


class TestNature:
    def test_a_class_that_nobody_brings_is_a_plateau(self) -> None:
        both = after(SURROGATE, [[update(histogram=only(0)), update(histogram=only(1))]] * 20)
        one = after(SURROGATE, [[update(histogram=only(0)), update(histogram=only(0))]] * 20)
        then_both = after(SURROGATE, [[update(histogram=only(0))] * 2] * 20 + [[update(histogram=only(1))] * 2] * 5)
        assert both[-1] > 0.85
        assert one[-1] < 0.6
        assert one[-1] == pytest.approx(one[-5], abs=0.01)
        assert max(then_both[20:]) > one[-1] + 0.1

    @settings(max_examples=60, deadline=None)
    @given(
        n_samples=st.integers(5, 500),
        k=st.integers(1, 8),
        n_rounds=st.integers(1, 6),
        more=st.integers(0, 500),
        age=st.integers(0, 6),
    )
    def test_more_samples_more_updates_and_less_age_never_hurt(
        self, n_samples: int, k: int, n_rounds: int, more: int, age: int
    ) -> None:
        usual = after(SURROGATE, [[update(n_samples, 1)] * k] * n_rounds)[-1]
        assert after(SURROGATE, [[update(n_samples + more, 1)] * k] * n_rounds)[-1] >= usual - 1e-12
        assert after(SURROGATE, [[update(n_samples, 1)] * (k + 1)] * n_rounds)[-1] >= usual - 1e-12
        assert after(SURROGATE, [[update(n_samples, 1, age=age)] * k] * n_rounds)[-1] <= usual + 1e-12

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.tuples(st.integers(0, 2), st.integers(0, 9), st.lists(st.integers(1, 60), min_size=3, max_size=3)),
                max_size=4,
            ),
            max_size=8,
        )
    )
    def test_accuracies_are_accuracies(self, drawn: list[list[tuple[int, int, list[int]]]]) -> None:
        rounds = [[update(sum(h), choice, age, tuple(h)) for choice, age, h in merged] for merged in drawn]
        assert all(0.0 <= accuracy <= 1.0 for accuracy in after(SURROGATE, rounds, (50, 30, 20)))

    def test_the_order_of_updates_does_not_matter(self) -> None:
        merged = [update(50, 0, 1, (40, 10)), update(120, 2, 0, (20, 100)), update(90, 1, 3, (90, 0))]
        assert after(SURROGATE, [merged]) == pytest.approx(after(SURROGATE, [merged[::-1]]), rel=1e-12)


class TestErrors:
    def test_what_does_not_belong_together_is_refused(self) -> None:
        state = SURROGATE.start((50, 50))
        with pytest.raises(MecsimError, match="knows 3 choices, and choice 3"):
            SURROGATE.step(state, [update(choice=3)])
        with pytest.raises(MecsimError, match="3 classes, and the surrogate was started with 2"):
            SURROGATE.step(state, [update(histogram=(1, 2, 3))])
        with pytest.raises(MecsimError, match="there are none"):
            SURROGATE.start((0, 0))
        with pytest.raises(MecsimError, match="two coefficients a choice"):
            replace(SURROGATE, choices=(0.0, 0.5))
        with pytest.raises(ValueError, match="has samples"):
            update(0)

    def test_a_file_that_is_none_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "surrogate.json"
        with pytest.raises(MecsimError, match="no surrogate of quality"):
            Surrogate.load(path)
        path.write_text("[]")
        with pytest.raises(MecsimError, match="no surrogate of quality"):
            Surrogate.load(path)
        SURROGATE.save(path)
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
        with pytest.raises(MecsimError, match="format 99, and 1 is read"):
            Surrogate.load(path)


def made_up(worlds: range, noise: float, n_trials: int = 3, n_rounds: int = 12) -> list[Trajectory]:
    """Trials of the true surrogate, each of a world's devices, with choices, ages and participants at random."""
    trajectories = []
    for world in worlds:
        rng = np.random.default_rng([world, 5])
        histograms = rng.multinomial(120, rng.dirichlet(np.full(N_CLASSES, 0.5), size=8))
        histograms = (histograms * rng.uniform(0.4, 2.0, size=(8, 1))).astype(int) + 1
        total = tuple(int(n) for n in histograms.sum(axis=0))
        for trial in range(n_trials):
            state = SURROGATE.start(total)
            rounds: list[tuple[list[Merged], float | None]] = [([], 0.1)]
            for _ in range(n_rounds):
                devices = rng.choice(8, size=rng.integers(1, 6), replace=False)
                merged = [
                    update(int(histograms[d].sum()), int(rng.integers(3)), int(rng.integers(4)), tuple(map(int, histograms[d])))
                    for d in devices
                ]
                state = SURROGATE.step(state, merged)
                rounds.append((merged, float(np.clip(state.accuracy + noise * rng.standard_normal(), 0.0, 1.0))))
            trajectories.append(Trajectory(world=f"world {world}", rounds=rounds, total=total, label=f"trial {trial}"))
    return trajectories


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(made_up(range(5), 0.005), choices=(0.0, 0.5, 0.9))


class TestFit:
    def test_what_made_the_data_is_foretold_in_worlds_of_others(self, fitted: Fitted) -> None:
        unseen = made_up(range(100, 106), 0.0)
        errors = [
            each.predicted - each.observed
            for each in residuals_of(fitted.surrogate, unseen, "held-out", made_up(range(5), 0.005))
        ]
        assert float(np.sqrt(np.mean(np.square(errors)))) < 0.015

    def test_held_out_errors_are_of_worlds_that_the_fit_had_not(self, fitted: Fitted) -> None:
        errors = fitted.surrogate.facts["errors"]
        rows = [each for each in fitted.residuals if each.source == "held-out"]
        assert sorted({each.world for each in rows}) == fitted.surrogate.facts["worlds"]
        assert len(rows) == errors["held-out"]["n"] == 5 * 3 * 12
        by_hand = [(each.predicted - each.observed) ** 2 for each in rows]
        assert errors["held-out"]["rmse"] == pytest.approx(math.sqrt(sum(by_hand) / len(by_hand)))
        assert errors["held-out"]["rmse"] < 0.025 < errors["held-out"]["by_round_rmse"]
        assert errors["fit"]["rmse"] <= errors["held-out"]["rmse"]
        assert list(errors["held-out"]["rmse_of_rounds"]) == list(range(1, 13))

    def test_worlds_held_out_do_not_matter_to_their_predictions(self) -> None:
        trajectories = made_up(range(3), 0.005, n_rounds=8)
        spoilt = [
            replace(each, rounds=[(merged, 0.5) for merged, _ in each.rounds]) if each.world == "world 1" else each
            for each in trajectories
        ]
        before, now = (
            [
                each.predicted
                for each in fit(data, choices=(0.0, 0.5, 0.9)).residuals
                if each.source == "held-out" and each.world == "world 1"
            ]
            for data in (trajectories, spoilt)
        )
        assert before == now

    def test_the_same_data_give_the_same_surrogate_in_any_order(self, fitted: Fitted) -> None:
        again = fit(made_up(range(5), 0.005)[::-1], choices=(0.0, 0.5, 0.9))
        assert again == fitted

    def test_saved_and_loaded_it_is_the_same(self, fitted: Fitted, tmp_path: Path) -> None:
        fitted.surrogate.save(tmp_path / "surrogate.json")
        loaded = Surrogate.load(tmp_path / "surrogate.json")
        assert (loaded.coefficients, loaded.limits, loaded.choices) == (
            fitted.surrogate.coefficients,
            fitted.surrogate.limits,
            (0.0, 0.5, 0.9),
        )
        rounds = [list(merged) for merged, _ in made_up(range(1), 0.0)[0].rounds[1:]]
        total = tuple(made_up(range(1), 0.0)[0].total)
        assert after(loaded, rounds, total) == after(fitted.surrogate, rounds, total)

    def test_without_ages_nothing_is_said_of_them(self) -> None:
        young = [
            replace(
                each, rounds=[([replace(update_, age=0) for update_ in merged], accuracy) for merged, accuracy in each.rounds]
            )
            for each in made_up(range(2), 0.005)
        ]
        surrogate = fit(young, choices=(0.0, 0.5, 0.9)).surrogate
        assert (surrogate.coefficients.rate_age, surrogate.coefficients.floor_age, surrogate.limits.log_age) == (0.0, 0.0, 0.0)
        assert after(surrogate, [[update(age=9)]]) == after(surrogate, [[update()]])

    def test_accuracies_that_were_not_looked_at_are_passed_over(self) -> None:
        gaps = [
            replace(
                each,
                rounds=[(merged, None if number % 2 else accuracy) for number, (merged, accuracy) in enumerate(each.rounds)],
            )
            for each in made_up(range(4), 0.005)
        ]
        found = fit(gaps, choices=(0.0, 0.5, 0.9))
        assert {each.round for each in found.residuals} == {2, 4, 6, 8, 10, 12}
        assert found.surrogate.facts["errors"]["held-out"]["rmse"] < 0.03

    def test_one_step_starts_from_what_was_observed(self) -> None:
        # Everybody has the fleet's mix, so a round after an accuracy is the first round from that accuracy.
        even = [update(150), update(150), update(150)]
        observed = [0.1, 0.3, 0.7, 0.5, 0.9]
        trajectory = Trajectory(world="w", total=(50, 50), rounds=[([], 0.1), *((even, accuracy) for accuracy in observed[1:])])
        rows = list(residuals_of(SURROGATE, [trajectory], "fit", [trajectory]))
        expected = [after(replace(SURROGATE, start_accuracy=before), [even])[0] for before in observed[:-1]]
        assert [each.one_step for each in rows] == pytest.approx(expected, rel=1e-9)
        assert [each.predicted for each in rows] == pytest.approx(after(SURROGATE, [even] * 4), rel=1e-9)
        assert [each.by_round for each in rows] == [each.observed for each in rows] == observed[1:]


class TestTooLittle:
    def test_one_world(self) -> None:
        with pytest.raises(MecsimError, match="two worlds or more, and has 1"):
            fit(made_up(range(1), 0.0), choices=(0.0, 0.5, 0.9))

    def test_few_rounds(self) -> None:
        with pytest.raises(MecsimError, match="a fit of 3 choices needs 36 rounds with their accuracy, and has 8"):
            fit(made_up(range(2), 0.0, n_trials=1, n_rounds=4), choices=(0.0, 0.5, 0.9))

    def test_a_choice_that_nobody_made_or_that_is_none(self) -> None:
        with pytest.raises(MecsimError, match="no update was merged of choice 3"):
            fit(made_up(range(2), 0.0), choices=(0.0, 0.5, 0.9, 0.97))
        with pytest.raises(MecsimError, match="choice 2 was merged, counted from 0, and the fit was given 2 choices"):
            fit(made_up(range(2), 0.0), choices=(0.0, 0.5))

    def test_no_start_and_other_classes(self) -> None:
        data = made_up(range(2), 0.0)
        with pytest.raises(MecsimError, match="begins with the accuracy before the first round"):
            fit([*data, replace(data[0], rounds=[([], None), *data[0].rounds[1:]])], choices=(0.0, 0.5, 0.9))
        with pytest.raises(MecsimError, match="same number of classes"):
            fit([*data, replace(data[0], total=(1, 2, 3))], choices=(0.0, 0.5, 0.9))
