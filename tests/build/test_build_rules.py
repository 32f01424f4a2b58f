"""Warnings where a model is stretched: once each, with the range."""

import pytest
from typer.testing import CliRunner
from worlds import AS_LAYOUT, HEXAGONS, scenario, text

from mecsim.build.rules import warnings_of
from mecsim.build.stations import farthest_m, placed
from mecsim.cli.app import app

CITY = {**AS_LAYOUT, "network.layout": {**HEXAGONS, "rows": 40, "columns": 25}}


def test_what_the_models_cover_gives_no_warning():
    assert warnings_of(scenario()) == []
    assert warnings_of(scenario({**CITY, "network.layout.wrap_around": True})) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network.stations.0.height_m": 25}, ["path loss 'umi' covers 10 m, a station's height is 25 m"]),
        ({"network.devices": {"height_m": 1.0}}, ["path loss 'umi' covers 1.5 to 22.5 m, a device's height is 1 m"]),
        ({"fleet.area_m": [9000, 500]}, ["covers up to 5000 m, the largest distance is 87"]),
        ({"network.background": {"arrivals_per_s": 1.0}}, ["16 Mbit/s uplink is more than the 10 Mbit/s"]),
        ({"network.background": {"arrivals_per_s": 9.0}}, ["144 Mbit/s downlink is more than the 66 ", "144 Mbit/s uplink"]),
        (
            {"network.background": {"arrivals_per_s": 9.0, "directions": ["downlink"]}},
            ["144 Mbit/s downlink is more than the 66 "],
        ),
    ],
)
def test_each_range_that_is_left_is_told_once(changes, words):
    told = warnings_of(scenario(changes))
    assert len(told) == len(words)
    for sentence, part in zip(told, words, strict=True):
        assert part in sentence


def test_movement_off_the_map_is_told(tmp_path):
    (tmp_path / "ways.csv").write_text("t_s,ue_id,x_m,y_m\n0,a,-5,0\n1,a,100,600\n")
    changes = {"fleet.groups.0.mobility": {"kind": "trace", "files": ["ways.csv"]}}
    (told,) = warnings_of(scenario(changes, tmp_path))
    assert told == "group 'phones' moves from [-5, 0] to [100, 600] m by its trace, and the map is 500 x 500 m from [0, 0]"


def test_the_farthest_place_is_not_always_a_corner():
    """Four stations in the corners: the middle is farthest; a rule that looks at corners says 0."""
    corners = [
        {"name": f"s{x}{y}", "position_m": [x, y], "height_m": 10, "tx_power_dbm": 33} for x in (0, 500) for y in (0, 500)
    ]
    of = scenario({"network.stations": corners})
    assert farthest_m(placed(of)) == pytest.approx(250 * 2**0.5)


def test_a_map_that_wraps_has_its_nearest_station_within_a_cell():
    wrapped = farthest_m(placed(scenario({**CITY, "network.layout.wrap_around": True})))
    assert 0.8 * 500 / 3**0.5 < wrapped <= 500 / 3**0.5 + 1e-9
    cut = farthest_m(placed(scenario(CITY)))
    assert cut > 500 / 3**0.5


def test_validate_says_the_warnings_beside_the_scenario(tmp_path):
    (tmp_path / "x.yaml").write_text(text({"network.stations.0.height_m": 25}))
    shown = CliRunner().invoke(app, ["validate", str(tmp_path / "x.yaml")])
    assert shown.exit_code == 0
    assert shown.stderr.count("Note: path loss 'umi' covers 10 m") == 1
    assert "Note" not in shown.stdout


def test_run_says_the_warnings_too(tmp_path):
    (tmp_path / "x.yaml").write_text(text({"network.stations.0.height_m": 25}))
    out, store = str(tmp_path / "run"), str(tmp_path / "store")
    shown = CliRunner().invoke(app, ["run", str(tmp_path / "x.yaml"), "--quiet", "--out", out, "--store", store])
    assert shown.exit_code == 0, shown.output
    assert shown.stderr.count("Note: path loss 'umi' covers 10 m") == 1
