import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mecsim.errors import UnknownNameError
from mecsim.radio.path_loss import PATH_LOSS_MODELS, path_loss_model
from mecsim.radio.tr38901 import rma_breakpoint_m, rma_los_db, rma_nlos_db, uma_los_db, umi_los_db

# At 5 GHz, device at 1.5 m, station at the scenario's own height; the values of ns-3's test suite for TR 38.901.
VECTORS_5_GHZ = [
    ("rma", "los", [10, 100, 1000, 10000], [77.3784, 87.2965, 108.5577, 140.3896]),
    ("rma", "nlos", [100, 1000, 5000], [95.7718, 133.5223, 160.5169]),
    ("uma", "los", [10, 100, 1000, 5000], [72.9380, 86.2362, 109.7252, 137.6794]),
    ("uma", "nlos", [10, 100, 1000, 5000], [82.5131, 106.1356, 144.7641, 172.0753]),
    ("umi", "los", [10, 100, 1000, 5000], [69.8591, 88.4122, 119.3114, 147.2696]),
    ("umi", "nlos", [10, 100, 1000, 5000], [76.7563, 107.9432, 143.1886, 167.8617]),
    ("inh", "los", [1, 10, 50, 100], [50.8072, 63.7630, 75.7750, 80.9802]),
    ("inh", "nlos", [10, 50, 100], [73.1894, 99.7824, 111.3062]),
]
VECTORS_3_5_GHZ_200_M = [("uma", 89.57, 114.46), ("umi", 91.61, 115.23)]
LOS_PROBABILITY = [  # at 50, 100, 200, 500 m
    ("uma", [0.6494, 0.3477, 0.1280, 0.0363]),
    ("umi", [0.5196, 0.2310, 0.0935, 0.0360]),
    ("rma", [0.9608, 0.9139, 0.8270, 0.6126]),
]
KINDS = st.sampled_from(sorted(PATH_LOSS_MODELS))
FREQUENCIES = st.floats(0.5, 30.0)


@pytest.mark.parametrize(("kind", "state", "d2_m", "expected_db"), VECTORS_5_GHZ)
def test_loss_at_5_ghz(kind, state, d2_m, expected_db):
    model = PATH_LOSS_MODELS[kind]
    law = model.los_db if state == "los" else model.nlos_db
    np.testing.assert_allclose(law(d2_m, 5.0, model.bs_height_m, 1.5), expected_db, atol=0.01, rtol=0.0)


@pytest.mark.parametrize(("kind", "los_db", "nlos_db"), VECTORS_3_5_GHZ_200_M)
def test_loss_at_3_5_ghz_and_200_m(kind, los_db, nlos_db):
    model = PATH_LOSS_MODELS[kind]
    assert model.los_db(200.0, 3.5, model.bs_height_m, 1.5) == pytest.approx(los_db, abs=0.01)
    assert model.nlos_db(200.0, 3.5, model.bs_height_m, 1.5) == pytest.approx(nlos_db, abs=0.01)


def test_rural_loss_with_higher_buildings():
    # The example of MathWorks' nrPathLoss: buildings of 7 m, station at (0, 0, 30), device at (1000, 1000, 1.5).
    loss_db = rma_los_db(np.hypot(1000.0, 1000.0), 3.5, 30.0, 1.5, building_height_m=7.0)
    assert loss_db == pytest.approx(110.1615, abs=1e-4)


def test_wider_streets_lose_less():
    # 7.1 log10(40 / 20) dB
    difference_db = rma_nlos_db(2000.0, 0.7) - rma_nlos_db(2000.0, 0.7, street_width_m=40.0)
    assert difference_db == pytest.approx(7.1 * np.log10(2.0))


@pytest.mark.parametrize(("kind", "gain_db_per_m"), [("uma", 0.6), ("umi", 0.3)])
def test_a_higher_device_loses_less_behind_obstacles(kind, gain_db_per_m):
    # Device and station both 3 m higher: the slant distance stays the same.
    model = PATH_LOSS_MODELS[kind]
    low_db = model.nlos_db(1000.0, 5.0, model.bs_height_m, 1.5)
    high_db = model.nlos_db(1000.0, 5.0, model.bs_height_m + 3.0, 4.5)
    assert low_db - high_db == pytest.approx(3.0 * gain_db_per_m)


@pytest.mark.parametrize(("kind", "expected"), LOS_PROBABILITY)
def test_line_of_sight_probability(kind, expected):
    probability = PATH_LOSS_MODELS[kind].los_probability([50.0, 100.0, 200.0, 500.0], 1.5)
    np.testing.assert_allclose(probability, expected, atol=5e-5, rtol=0.0)


def test_line_of_sight_probability_of_the_mixed_office():
    # exp(-(5 - 1.2) / 4.7) and 0.32 exp(-(50 - 6.5) / 32.6)
    probability = PATH_LOSS_MODELS["inh"].los_probability([1.0, 5.0, 50.0], 1.5)
    np.testing.assert_allclose(probability, [1.0, 0.44550, 0.08426], atol=5e-5, rtol=0.0)


def test_line_of_sight_probability_of_the_open_office():
    # exp(-(20 - 5) / 70.8) and 0.54 exp(-(100 - 49) / 211.7); the table steps up from 0.537 to 0.54 just beyond 49 m.
    open_office = PATH_LOSS_MODELS["inh-open"].los_probability
    expected = [1.0, 0.80908, 0.53715, 0.54, 0.42440]
    np.testing.assert_allclose(open_office([5.0, 20.0, 49.0, 49.0001, 100.0], 1.5), expected, atol=5e-5, rtol=0.0)


def test_line_of_sight_is_likelier_for_high_devices_in_the_urban_macro_cell_alone():
    # At 100 m and 23 m height: times 1 + 1.25 exp(-100 / 150).
    uma = PATH_LOSS_MODELS["uma"].los_probability
    assert uma(100.0, 23.0) / uma(100.0, 1.5) == pytest.approx(1.0 + 1.25 * np.exp(-100.0 / 150.0))
    assert uma(100.0, 13.0) == uma(100.0, 1.5)
    assert PATH_LOSS_MODELS["umi"].los_probability(100.0, 23.0) == PATH_LOSS_MODELS["umi"].los_probability(100.0, 1.5)


@pytest.mark.parametrize("kind", ["uma", "umi", "rma"])
def test_line_of_sight_is_certain_near_the_station(kind):
    assert list(PATH_LOSS_MODELS[kind].los_probability([0.0, 10.0], 1.5)) == [1.0, 1.0]


@pytest.mark.parametrize(("law", "bs_height_m"), [(uma_los_db, 25.0), (umi_los_db, 10.0)])
def test_urban_loss_is_continuous_at_the_breakpoint(law, bs_height_m):
    # 40 - 18 = 22 and 40 - 19 = 21: the two slopes meet exactly.
    breakpoint_m = 4.0 * (bs_height_m - 1.0) * 0.5 * 3.5e9 / 3.0e8
    before_db, after_db = law([breakpoint_m * (1 - 1e-9), breakpoint_m * (1 + 1e-9)], 3.5, bs_height_m, 1.5)
    assert after_db == pytest.approx(before_db, abs=1e-6)


def test_rural_shadowing_widens_at_the_breakpoint():
    breakpoint_m = rma_breakpoint_m(0.7, 35.0, 1.5)
    assert breakpoint_m == pytest.approx(769.69, abs=0.01)  # 2 pi x 35 x 1.5 x 0.7e9 / 3e8
    sigma_db = PATH_LOSS_MODELS["rma"].sigma_los_db([breakpoint_m - 0.1, breakpoint_m + 0.1], 0.7, 35.0, 1.5)
    assert list(sigma_db) == [4.0, 6.0]


def test_constants_of_the_models():
    table = {
        kind: (
            float(model.sigma_los_db(20.0, 3.5, model.bs_height_m, 1.5)),
            model.sigma_nlos_db,
            model.shadow_correlation_los_m,
            model.shadow_correlation_nlos_m,
            model.los_correlation_m,
        )
        for kind, model in PATH_LOSS_MODELS.items()
        if model.rician_k_db is not None
    }
    assert table == {
        "uma": (4.0, 6.0, 37.0, 50.0, 50.0),
        "umi": (4.0, 7.82, 10.0, 13.0, 50.0),
        "rma": (4.0, 8.0, 37.0, 120.0, 60.0),
        "inh": (3.0, 8.03, 10.0, 6.0, 10.0),
        "inh-open": (3.0, 8.03, 10.0, 6.0, 10.0),
    }


def test_mean_rician_factors():
    # TR 38.901, Table 7.5-6; the simple laws do not tell the LoS states apart.
    assert {kind: model.rician_k_db for kind, model in PATH_LOSS_MODELS.items()} == {
        "uma": 9.0,
        "umi": 9.0,
        "rma": 7.0,
        "inh": 7.0,
        "inh-open": 7.0,
        "free-space": None,
        "log-distance": None,
        "macro-2ghz": None,
    }


@pytest.mark.parametrize("kind", ["free-space", "log-distance", "macro-2ghz"])
def test_simple_models_do_not_tell_the_states_apart(kind):
    model = PATH_LOSS_MODELS[kind]
    place = ([10.0, 100.0, 1000.0], 2.0, 25.0, 1.5)
    np.testing.assert_array_equal(model.los_db(*place), model.nlos_db(*place))
    np.testing.assert_array_equal(model.sigma_los_db(*place), [model.sigma_nlos_db] * 3)


def test_shadowing_of_the_simple_models():
    assert {kind: PATH_LOSS_MODELS[kind].sigma_nlos_db for kind in ("free-space", "log-distance", "macro-2ghz")} == {
        "free-space": 0.0,
        "log-distance": 8.0,
        "macro-2ghz": 8.0,
    }


def test_a_model_by_name_is_the_one_of_the_table():
    assert all(path_loss_model(kind) is model for kind, model in PATH_LOSS_MODELS.items() if kind != "log-distance")


def test_log_distance_takes_its_parameters():
    # Antennas at one height: 40 dB a decade from 10 m on, where the loss is that of free space at 1 GHz, 52.45 dB.
    model = path_loss_model("log-distance", exponent=4.0, reference_m=10.0)
    np.testing.assert_allclose(model.nlos_db([5.0, 10.0, 100.0], 1.0, 5.0, 5.0), [52.45, 52.45, 92.45], atol=0.003)
    assert (model.minimum_m, model.sigma_nlos_db) == (10.0, 8.0)


@pytest.mark.parametrize("kind", sorted(PATH_LOSS_MODELS))
def test_the_shadowing_can_be_replaced(kind):
    model = path_loss_model(kind, sigma_db=2.5)
    assert model.sigma_nlos_db == 2.5
    assert list(model.sigma_los_db([20.0, 5000.0], 2.0, model.bs_height_m, 1.5)) == [2.5, 2.5]
    assert PATH_LOSS_MODELS[kind].sigma_nlos_db != 2.5


def test_an_unknown_model_is_answered_with_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no path loss model called 'free_space'\. Did you mean 'free-space'"):
        path_loss_model("free_space")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exponent": 0.0}, r"exponent and reference_m must be positive, got 0\.0 and 1\.0"),
        ({"reference_m": -1.0}, r"exponent and reference_m must be positive, got 3\.0 and -1\.0"),
        ({"sigma_db": -0.1}, r"sigma_db must not be negative, got -0\.1"),
    ],
)
def test_senseless_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        path_loss_model("log-distance", **options)


@given(kind=KINDS, d2_m=st.floats(0.0, 1e4), frequency_ghz=FREQUENCIES)
@settings(deadline=None)
def test_obstruction_never_helps(kind, d2_m, frequency_ghz):
    model = PATH_LOSS_MODELS[kind]
    place = (d2_m, frequency_ghz, model.bs_height_m, 1.5)
    assert model.nlos_db(*place) >= model.los_db(*place)


@given(kind=KINDS, near_m=st.floats(0.0, 1e4), step_m=st.floats(0.0, 1e3), frequency_ghz=FREQUENCIES)
@settings(deadline=None)
def test_loss_grows_with_distance(kind, near_m, step_m, frequency_ghz):
    model = PATH_LOSS_MODELS[kind]
    # The rural breakpoint is a 2-D distance inside a law of the slant one, so there the loss may step back, by 3e-5 dB.
    slack_db = 1e-4 if kind == "rma" else 1e-9
    for law in (model.los_db, model.nlos_db):
        near_db, far_db = law([near_m, near_m + step_m], frequency_ghz, model.bs_height_m, 1.5)
        assert far_db >= near_db - slack_db


@given(kind=KINDS, near_m=st.floats(0.0, 1e4), step_m=st.floats(0.0, 1e3))
@settings(deadline=None)
def test_line_of_sight_probability_is_at_most_one_and_falls_with_distance(kind, near_m, step_m):
    near, far = PATH_LOSS_MODELS[kind].los_probability([near_m, near_m + step_m], 1.5)
    # The open office's two branches do not quite meet.
    assert 0.0 <= far <= near + (0.003 if kind == "inh-open" else 0.0) <= 1.003
    assert near <= 1.0


@pytest.mark.parametrize("kind", sorted(PATH_LOSS_MODELS))
def test_distances_below_the_minimum_are_clamped_to_it(kind):
    model = PATH_LOSS_MODELS[kind]
    for law in (model.los_db, model.nlos_db):
        at_zero, at_minimum, beyond = law([0.0, model.minimum_m, 2.0 * model.minimum_m], 3.5, model.bs_height_m, 1.5)
        assert at_zero == at_minimum < beyond
