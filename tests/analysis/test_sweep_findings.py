import pytest
from edited_run import EditedRun, with_summary
from made_up_study import write_demo, write_grid, write_sweep

from analysis.material import Material
from analysis.sweep_findings import sweep_findings

NARROW, MIDDLE, WIDE = ("bandwidth_mhz=2", "bandwidth_mhz=5", "bandwidth_mhz=20")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "demo"
    return write_sweep(folder, bandwidths_mhz=(2.0, 5.0, 20.0), labels=("full", "bias"), seeds=(1, 2))


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid") / "demo"
    return write_grid(folder, bandwidths_mhz=(5.0, 20.0), fleets=("equal", "wild"), labels=("full", "bias"), seeds=(1, 2))


def said(material, about):
    return next(finding.text for finding in sweep_findings(material) if finding.about == about)


def test_where_the_winner_changes(sweep):
    values = {
        (NARROW, "full"): [400.0, 500.0], (NARROW, "bias"): [100.0, 200.0],
        (MIDDLE, "full"): [250.0, 350.0], (MIDDLE, "bias"): [100.0, 200.0],
        (WIDE, "full"): [50.0, 150.0], (WIDE, "bias"): [100.0, 200.0],
    }  # fmt: skip
    material = with_summary(sweep, "sim_time_s", values)
    assert said(material, "time") == (
        "The first at the end of its rounds, by Bandwidth (MHz): bias from 2 to 5 (2 min 30 s); full at 20 (1 min 40 s)."
    )
    moved = [finding.text for finding in sweep_findings(material) if finding.about == "time"][1]
    assert moved == (
        "From 2 to 20, Bandwidth (MHz), the time to the end goes from 7 min 30 s to 1 min 40 s for full "
        "and from 2 min 30 s to 2 min 30 s for bias."
    )


def test_whom_the_worlds_do_not_tell_apart_is_named_with_the_best(sweep):
    values = {
        (NARROW, "full"): [0.9, 0.8], (NARROW, "bias"): [0.7, 0.6],
        (MIDDLE, "full"): [0.9, 0.7], (MIDDLE, "bias"): [0.7, 0.8],
        (WIDE, "full"): [0.9, 0.8], (WIDE, "bias"): [0.7, 0.6],
    }  # fmt: skip
    assert said(with_summary(sweep, "final_accuracy", values), "accuracy") == (
        "The highest accuracy at the end, by Bandwidth (MHz): full at 2 (85.0 %); full or bias at 5 (80.0 %); "
        "full at 20 (85.0 %)."
    )


def test_a_target_that_is_not_always_reached(sweep):
    values = {(NARROW, label): [None, 10.0] for label in ("full", "bias")}
    values |= {(point, "full"): [100.0, 110.0] for point in (MIDDLE, WIDE)}
    values |= {(point, "bias"): [200.0, 210.0] for point in (MIDDLE, WIDE)}
    assert said(with_summary(sweep, "time_to_target_s", values), "target") == (
        "The fastest to the target accuracy of 85.0 %, by Bandwidth (MHz): nobody with every seed at 2; "
        "full from 5 to 20 (1 min 45 s)."
    )


def test_one_seed_claims_no_ties(tmp_path):
    run = write_sweep(tmp_path / "demo", bandwidths_mhz=(2.0, 20.0), labels=("full", "bias"), seeds=(1,))
    assert not any(" or " in finding.text for finding in sweep_findings(Material(run)))


def test_facets_are_told_apart_where_they_differ(grid):
    values = {}
    for fleet, times in {"equal": (100.0, 200.0), "wild": (300.0, 200.0)}.items():
        for mhz in (5, 20):
            values[f"bandwidth_mhz={mhz}, fleet={fleet}", "full"] = [times[0], times[0] + 10]
            values[f"bandwidth_mhz={mhz}, fleet={fleet}", "bias"] = [times[1], times[1] + 10]
    assert said(with_summary(grid, "sim_time_s", values), "time") == (
        "The first at the end of its rounds, by Bandwidth (MHz). Fleet equal: full at every point (1 min 45 s). "
        "Fleet wild: bias at every point (3 min 25 s)."
    )


def test_facets_that_say_the_same_are_told_once(grid):
    values = {}
    for fleet, low in {"equal": 60.0, "wild": 120.0}.items():
        for mhz in (5, 20):
            values[f"bandwidth_mhz={mhz}, fleet={fleet}", "full"] = [low, low]
            values[f"bandwidth_mhz={mhz}, fleet={fleet}", "bias"] = [900.0, 910.0]
    assert said(with_summary(grid, "sim_time_s", values), "time") == (
        "The first at the end of its rounds, by Bandwidth (MHz): full at every point (1 min to 2 min)."
    )


def test_who_is_left_out_where(sweep):
    values = {(NARROW, "full"): [0.5, 0.5], (MIDDLE, "full"): [0.25, 0.25], (WIDE, "full"): [0.0, 0.0]}
    text = said(with_summary(sweep, "refused_device_share", values), "memory")
    assert text == "Devices without the memory to take part, depending on the variant: 0 % to 50.0 % for full."


def test_variants_without_axes_have_no_findings_as_a_whole(tmp_path):
    run = write_demo(tmp_path / "demo", labels=("full", "bias"), variants=("5 MHz", "20 MHz"))
    assert sweep_findings(Material(run)) == []


def test_points_without_numbers_are_named_one_by_one(sweep):
    axis = {"variants": lambda frame: frame.assign(value=float("nan"), title="Fleet", point=["equal", "mild", "wild"])}
    times = {(NARROW, "full"): 1.0, (MIDDLE, "full"): 1.0, (WIDE, "full"): 9.0}

    def change(summary):
        new = [times.get((row.variant, row.label), 5.0) + 0.1 * row.seed for row in summary.itertuples()]
        return summary.assign(sim_time_s=new)

    found = sweep_findings(Material(EditedRun(sweep, {**axis, "summary": change})))
    text = [finding.text for finding in found if finding.about == "time"]
    assert text == ["The first at the end of its rounds, by Fleet: full at equal and mild (1.15 s); bias at wild (5.15 s)."]


def test_a_target_that_is_met_before_the_first_round_says_so(sweep):
    """At the narrowest, bias is there at once; full is where bias is not the first."""

    def change(summary):
        is_bias, is_narrow = summary["label"] == "bias", summary["variant"] == NARROW
        times = [5.0 if bias and narrow else 99.0 if bias else 20.0 for bias, narrow in zip(is_bias, is_narrow, strict=True)]
        sent = [
            0.0 if (bias and narrow) or not (bias or narrow) else 1e6 for bias, narrow in zip(is_bias, is_narrow, strict=True)
        ]
        return summary.assign(time_to_target_s=times + 0.1 * summary["seed"], uplink_bytes_to_target=sent)

    def change_less(summary):
        changed = change(summary)
        return changed.assign(uplink_bytes_to_target=changed["uplink_bytes_to_target"].where(changed["variant"] != NARROW, 1e6))

    both = said(Material(EditedRun(sweep, {"summary": change})), "target")
    assert both.endswith(
        "bias at 2 (5.15 s); full from 5 to 20 (20.1 s). For bias and full the server's preparation alone is enough."
    )
    one = said(Material(EditedRun(sweep, {"summary": change_less})), "target")
    assert one.endswith("(20.1 s). For full the server's preparation alone is enough.")
