import pytest

from mecsim.radio.path_loss import PATH_LOSS_MODELS
from mecsim.radio.ranges import range_warnings

URBAN = {"frequency_ghz": 3.5, "largest_distance_m": 800.0, "bs_heights_m": [25.0], "ue_height_m": 1.5}


def warnings(kind, **changes):
    return range_warnings(PATH_LOSS_MODELS[kind], **(URBAN | changes))


def test_nothing_to_say_of_what_is_covered():
    assert warnings("uma") == []
    assert warnings("uma", frequency_ghz=0.5, largest_distance_m=5000.0, ue_height_m=22.5) == []


@pytest.mark.parametrize(
    ("kind", "changes", "sentence"),
    [
        (
            "uma",
            {"frequency_ghz": 0.45},
            "path loss 'uma' covers 0.5 to 100 GHz, the carrier is 0.45 GHz: the law is extrapolated",
        ),
        (
            "rma",
            {"frequency_ghz": 39.0},
            "path loss 'rma' covers 0.5 to 30 GHz, the carrier is 39 GHz: the law is extrapolated",
        ),
        ("macro-2ghz", {}, "path loss 'macro-2ghz' covers 2 GHz, the carrier is 3.5 GHz: the law is extrapolated"),
        ("uma", {"largest_distance_m": 5001.0}, "'uma' covers up to 5000 m, the largest distance is 5001 m"),
        ("rma", {"largest_distance_m": 7000.0}, "'rma' covers up to 5000 m, the largest distance is 7000 m"),
        ("uma", {"bs_heights_m": [25.0, 30.0, 30.0]}, "'uma' covers 25 m, a station's height is 30 m"),
        ("rma", {"ue_height_m": 0.5}, "'rma' covers 1 to 10 m, a device's height is 0.5 m"),
    ],
)
def test_one_sentence_for_what_is_beyond_the_range(kind, changes, sentence):
    (found,) = warnings(kind, **changes)
    assert sentence in found


def test_a_rural_cell_may_be_too_large_for_either_state():
    assert [text.split("covers ")[1].split(",")[0] for text in warnings("rma", largest_distance_m=12_000.0)] == [
        "up to 5000 m",
        "up to 10000 m",
    ]


def test_all_that_is_wrong_is_said():
    found = warnings("uma", frequency_ghz=200.0, largest_distance_m=6000.0, bs_heights_m=[10.0, 50.0], ue_height_m=30.0)
    assert len(found) == 5


def test_laws_without_a_range_have_nothing_to_say():
    for kind in ("free-space", "log-distance"):
        assert warnings(kind, frequency_ghz=300.0, largest_distance_m=1e7, bs_heights_m=[1e3], ue_height_m=100.0) == []
