"""The tables of trade-offs in the report: fronts and hypervolumes as ``analysis.pareto`` has them."""

import pytest
from made_up_study import write_demo, write_sweep

from analysis.formats import percent_text
from analysis.material import Material
from analysis.measures import with_measures
from analysis.pareto import hypervolumes, share_on_front
from analysis.report.table import Names
from analysis.report.tradeoffs import tradeoff_tables


def tables(run):
    material = Material(run)
    return tradeoff_tables(material, Names(material.variants, list(dict.fromkeys(material.frame("summary")["label"]))))


def texts(table):
    return [tuple(cell.text for cell in row) for row in table.rows]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return write_sweep(tmp_path_factory.mktemp("sweep") / "sweep", bandwidths_mhz=(2.0, 20.0), seeds=(1, 2, 3, 4, 5))


def test_fronts_are_those_of_the_analysis(sweep):
    fronts, _ = tables(sweep)
    assert fronts.heads == ("variant", "scheme", "against time to the end", "against device energy", "against uplink")
    expected = share_on_front(with_measures(sweep.frame("summary")), "uplink_bytes")
    for row, told in zip(expected.itertuples(), texts(fronts), strict=True):
        where = "on the front" if row.on_front else "dominated"
        assert told[:2] == (row.variant, row.label)
        assert told[4] == f"{where} ({percent_text(row.share)})"
    assert {told[1] for told in texts(fronts) if told[4].startswith("on the front")} >= {"bias"}  # it sends the least


def test_volumes_have_a_bootstrap_interval_from_five_seeds_on(sweep, tmp_path):
    _, volumes = tables(sweep)
    expected = hypervolumes(with_measures(sweep.frame("summary")), "device_energy_j").set_index("variant")
    for told in texts(volumes):
        row = expected.loc[told[0]]
        largest = row["hypervolume"] / row["share"]
        interval = f"({percent_text(row['low'] / largest)} to {percent_text(row['high'] / largest)})"
        assert told[2] == f"{percent_text(row['share'])} {interval}"
    _, few = tables(write_sweep(tmp_path / "few", bandwidths_mhz=(2.0, 20.0), seeds=(1, 2)))
    assert all(" to " not in cell for told in texts(few) for cell in told[1:])


def test_one_seed_has_a_front_and_no_share(run):
    fronts, volumes = tables(run)
    assert {cell for told in texts(fronts) for cell in told[1:]} == {"on the front", "dominated"}
    assert [told[0] for told in texts(volumes)] == ["all schemes"]


def test_one_scheme_has_no_trade_off(tmp_path):
    assert tables(write_demo(tmp_path / "one", labels=("bias",))) == []
