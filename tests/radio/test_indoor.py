import math

import numpy as np
import pytest

from mecsim.radio.indoor import indoor_columns, penetration_db
from mecsim.rng import Streams

URBAN = {"share": 0.8, "kind": "low", "path_loss_kind": "uma"}


def columns(n, **changes):
    return indoor_columns(Streams(1).get("indoor"), n, **(URBAN | changes))


def test_walls_at_3_5_ghz():
    # Glass 2.7 dB passes 0.537032, concrete 19 dB 0.0125893, coated glass 25.785 dB 0.00263936.
    # Low: 0.3 x 0.537032 + 0.7 x 0.0125893 = 0.169922, 7.6975 dB.
    # High: 0.7 x 0.00263936 + 0.3 x 0.0125893 = 0.00562434, 22.4993 dB.
    assert penetration_db("low", 3.5) == (pytest.approx(5.0 + 7.6975, abs=1e-3), 4.4)
    assert penetration_db("high", 3.5) == (pytest.approx(5.0 + 22.4993, abs=1e-3), 6.5)
    assert penetration_db("simple", 3.5) == (20.0, 0.0)


def test_a_wall_stops_more_of_a_higher_frequency():
    for kind in ("low", "high"):
        losses_db = [penetration_db(kind, frequency_ghz)[0] for frequency_ghz in (0.7, 2.0, 6.0, 28.0, 60.0)]
        assert losses_db == sorted(losses_db)


def test_an_unknown_wall_is_refused():
    with pytest.raises(ValueError, match="a building's loss is 'low', 'high' or 'simple', got 'medium'"):
        penetration_db("medium", 3.5)


def test_loss_is_wall_and_rooms_and_nothing_outdoors():
    found = columns(1000)
    loss_db = found.loss_db(3.5)
    mean_db, sigma_db = penetration_db("low", 3.5)
    np.testing.assert_array_equal(loss_db[~found.indoor], 0.0)
    np.testing.assert_array_equal(found.distance_in_m[~found.indoor], 0.0)
    i = int(np.flatnonzero(found.indoor)[0])
    assert loss_db[i] == pytest.approx(mean_db + sigma_db * found.deviation[i] + 0.5 * found.distance_in_m[i])


@pytest.mark.parametrize(
    ("kind", "path_loss_kind", "mean_m", "largest_m"),
    [
        ("low", "uma", 25.0 / 3.0, 25.0),  # the lesser of two uniform draws has a third of the range as its mean
        ("high", "umi", 25.0 / 3.0, 25.0),
        ("high", "rma", 10.0 / 3.0, 10.0),
        ("simple", "uma", 12.5, 25.0),  # one draw: half of it
        ("low", "macro-2ghz", 25.0 / 3.0, 25.0),
    ],
)
def test_depth_behind_the_wall(kind, path_loss_kind, mean_m, largest_m):
    n = 20_000
    depth_m = columns(n, share=1.0, kind=kind, path_loss_kind=path_loss_kind).distance_in_m
    # 3.29 standard errors, 99.9 %: at most 0.17 m of 25 m, so one uniform draw and the lesser of two cannot be confused.
    assert abs(depth_m.mean() - mean_m) < 3.29 * depth_m.std() / math.sqrt(n)
    assert 0.95 * largest_m < depth_m.max() < largest_m


def test_share_and_deviation():
    n = 40_000
    found = columns(n)
    assert abs(found.indoor.mean() - 0.8) < 3.29 * math.sqrt(0.8 * 0.2 / n)
    assert abs(found.deviation.mean()) < 3.29 / math.sqrt(n)
    assert abs(found.deviation.var() - 1.0) < 3.29 * math.sqrt(2.0 / n)
    # Independent of who is indoors.
    assert abs(found.deviation[found.indoor].mean()) < 3.29 / math.sqrt(0.8 * n)


def test_one_more_device_changes_nobody_elses_draw():
    few, more = columns(10), columns(11)
    for column in ("indoor", "distance_in_m", "deviation"):
        np.testing.assert_array_equal(getattr(more, column)[:10], getattr(few, column))
    assert not np.array_equal(indoor_columns(Streams(2).get("indoor"), 10, **URBAN).deviation, few.deviation)


def test_more_devices_indoors_are_the_same_ones_and_others():
    # Common random numbers over a sweep of the share.
    fifth, half = columns(500, share=0.2).indoor, columns(500, share=0.5).indoor
    assert np.all(half[fifth])
    assert half.sum() > fifth.sum() > 0


def test_edges_of_the_share():
    assert not columns(100, share=0.0).indoor.any()
    assert columns(100, share=1.0).indoor.all()
    with pytest.raises(ValueError, match=r"share must be from 0 to 1, got 1\.5"):
        columns(1, share=1.5)


def test_an_indoor_cell_has_no_outer_wall():
    with pytest.raises(ValueError, match="path loss 'inh-open' has its stations indoors"):
        columns(1, path_loss_kind="inh-open")
    assert not columns(5, path_loss_kind="inh", share=0.0).indoor.any()
