"""Figures of what happened in the world: they show the frames, say what they are of, and fit on paper."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_study import GROUPS, MANIFEST, N_PER_GROUP, SCENARIO, demo_tables, write_demo, write_sweep

from analysis.material import Material
from analysis.plots import area, diagnostics, energy, participation, payloads, timeline
from analysis.plots.panels import fills_of
from analysis.plots.study import look_of
from analysis.plots.style import PAGE_IN, lay_out, save
from mecsim.results.folder import write_run
from mecsim.results.reader import open_run

KINDS = {
    kind.name: kind for module in (timeline, energy, payloads, participation, area, diagnostics) for kind in module.KINDS
}  # fmt: skip
NAMES = ("timeline", "energy_parts", "bytes_parts", "participation", "area_map", "diagnostics", "groups")
LABELS = ("full", "lora", "bias")


def drawn(run, name, size="column", font="sans", variant=""):
    whole = Material(run)
    material, kind = whole.of(variant), KINDS[name]
    assert kind.lacks(material) == ""
    figure = kind.draw(material, look_of(whole, variant, "page" if kind.wide else size, font))
    lay_out(figure, font)
    return figure


def notes(figure):
    return " ".join(text.get_text() for text in figure.texts).replace("\n", " ")


def legend(figure):
    return [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One seed, of which devices are lost."""
    return write_demo(tmp_path_factory.mktemp("one") / "demo", labels=LABELS, lost=0.2)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Three seeds."""
    return write_demo(tmp_path_factory.mktemp("several") / "demo", labels=LABELS, seeds=(1, 2, 3), lost=0.2)


@pytest.fixture(scope="module")
def figures(one):
    return {name: drawn(one, name) for name in NAMES}


def changed(folder, change, **study):
    """Write a made-up study whose tables went through ``change``, and open it."""
    tables = demo_tables(**study)
    change(tables)
    seeds = list(study.get("seeds", (1,)))
    write_run(folder, scenario_yaml=SCENARIO, manifest={**MANIFEST, "seeds": seeds}, tables=tables)
    return open_run(folder)


def test_all_are_there():
    assert tuple(KINDS) == NAMES
    assert {kind.scope for kind in KINDS.values()} == {"variant"}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaves_the_paper_and_the_legend_covers_nothing(figures, name):
    figure = figures[name]
    figure.set_dpi(100)
    # Letters are placed on whole pixels, so that texts differ by some of them from one resolution to another.
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert min(box.x0 for box in boxes) >= -8
    assert max(box.x1 for box in boxes) <= figure.bbox.width + 8
    assert max(box.y1 for box in boxes) <= figure.bbox.height + 2
    frame = figure.legends[0].get_window_extent()
    assert frame.y1 <= min(box.y0 for box in boxes) + 2
    assert frame.x0 >= 0
    assert frame.x1 <= figure.bbox.width
    assert figure.get_size_inches()[1] < 10.5


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_has_a_named_axis_and_no_text_is_too_small(figures, name):
    figure = figures[name]
    assert all(axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes)
    sizes = [tick.get_fontsize() for axes in figure.axes for tick in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    sizes += [text.get_fontsize() for axes in figure.axes for text in axes.texts]
    assert min(sizes) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_each_says_of_how_many_replications_it_is(one, several, figures, name):
    assert "ne seed" in notes(figures[name])
    assert "ne seed" in KINDS[name].caption(Material(one).of(""))
    assert "Bytes, FLOPs and memory are those of vit-base-16" in notes(figures[name])
    of_one = name in ("timeline", "area_map")
    pooled = name == "participation"
    said = "Seed 1 alone, of 3 seeds" if of_one else "3 seeds counted together" if pooled else "Mean of 3 seeds"
    assert said in notes(drawn(several, name))
    assert said in KINDS[name].caption(Material(several).of(""))


@pytest.mark.parametrize("name", NAMES)
def test_drawing_again_gives_the_same_bytes(one, figures, name, tmp_path, svg_only):
    for folder, figure in (("one", figures[name]), ("two", drawn(one, name))):
        (tmp_path / folder).mkdir()
        save(figure, tmp_path / folder, name)
    first, second = ((tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("one", "two"))
    assert first == second
    assert len(first) < 600_000


def test_a_variant_is_named_and_alone_in_the_figure(tmp_path):
    run = write_sweep(tmp_path / "sweep", bandwidths_mhz=(5.0, 20.0), labels=("lora",), seeds=(1,))
    slow, fast = (drawn(run, "timeline", variant=f"bandwidth_mhz={mhz}") for mhz in (5, 20))
    assert notes(slow).startswith("bandwidth_mhz=5. One seed (1).")
    uploads = [figure.axes[0].collections[2].get_paths()[0].get_extents().width for figure in (slow, fast)]
    assert uploads[0] == pytest.approx(4 * uploads[1], rel=1e-6)


def test_lanes_hold_the_turns_of_the_early_rounds(one, figures):
    clients = one.frame("clients")
    early = clients[(clients["label"] == "lora") & (clients["round"] <= 3)]
    axes = next(axes for axes in figures["timeline"].axes if axes.get_title() == "lora")
    assert axes.get_xlabel() == "Simulated time (min)"
    download, compute, upload = axes.collections[:3]
    for drawn_as, spent in ((download, "download_s"), (compute, "compute_s"), (upload, "upload_s")):
        lengths = [path.get_extents().width * 60 for path in drawn_as.get_paths()]
        assert sorted(lengths) == pytest.approx(sorted(early[spent][early[spent] > 0]))
    lanes = {f"{row.group} {row.device}" for row in clients[clients["round"] <= 3].itertuples()}
    assert {text.get_text() for text in figures["timeline"].axes[0].get_yticklabels()} == lanes
    borders = one.frame("rounds").query("label == 'lora' and 1 <= round <= 3")["sim_time_s"] / 60
    assert [line.get_xdata()[0] for line in axes.get_lines()[-3:]] == pytest.approx(borders.tolist())


def test_refused_and_lost_turns_are_marked_where_they_ended(one, figures):
    clients = one.frame("clients").query("round <= 3 and label == 'full'")
    marks = {
        line.get_marker(): line for line in figures["timeline"].axes[0].get_lines() if line.get_marker() not in ("None", "")
    }
    for marker, outcome in (("D", "refused"), ("X", "lost")):
        ends = clients.loc[clients["outcome"] == outcome, "end_s"] / 60
        assert len(ends)
        assert sorted(marks[marker].get_xdata()) == pytest.approx(sorted(ends))
    assert {"refused", "lost"} <= set(legend(figures["timeline"]))


def test_lanes_and_schemes_that_do_not_fit_are_told(tmp_path):
    labels = tuple(f"lora {i}" for i in range(8))
    figure = drawn(write_demo(tmp_path / "demo", labels=labels), "timeline")
    assert [axes.get_title() for axes in figure.axes] == list(labels[:6])
    assert "The first 6 of 8 schemes." in notes(figure)

    def more_devices(tables):
        tables["clients"] = [replace(row, device=row.device + 100 * row.round) for row in tables["clients"]]

    figure = drawn(changed(tmp_path / "many", more_devices, labels=labels[:6], lost=0.1), "timeline")
    assert "the 16 with most turns" in notes(figure)
    assert all(len(axes.get_yticks()) == 16 for axes in figure.axes)


def widths(axes):
    """Return the widths of the bars in each row, from left to right."""
    rows = {}
    for patch in sorted(axes.patches, key=lambda patch: patch.get_x()):
        rows.setdefault(round(patch.get_y() + patch.get_height() / 2), []).append(patch.get_width())
    return [rows[number] for number in sorted(rows)]


def test_energy_bars_are_the_joules(one, figures):
    joules = one.frame("energy").groupby(["label", "part"])["energy_j"].sum()
    totals, shares = figures["energy_parts"].axes
    assert totals.get_xlabel() == "Energy to the end (kJ)"
    for row, label in enumerate(LABELS):
        # Known parts come first, in their order; "radio" is a part that only the made-up study has.
        expected = [joules[label, part] / 1e3 for part in ("compute", "idle", "radio")]
        assert widths(totals)[row] == pytest.approx(expected)
        assert widths(shares)[row] == pytest.approx([100 * part / sum(expected) for part in expected])
    assert legend(figures["energy_parts"])[:2] == ["devices: computing", "devices: idle in turns"]
    assert [text.get_text()[-2:] for text in totals.texts] == ["kJ"] * 3


def test_energy_has_intervals_with_several_seeds_and_static_power_is_told_apart(tmp_path, several):
    assert all(" ± " in text.get_text() for text in drawn(several, "energy_parts").axes[0].texts)

    def static(tables):
        last = tables["energy"][-1]
        tables["energy"] += [replace(last, node="stations", part="static", energy_j=5e6)]

    figure = drawn(changed(tmp_path / "demo", static, labels=("lora",)), "energy_parts")
    assert "What stations draw whether anything is sent or not is in no total: 5.00 MJ." in notes(figure)
    assert not any("static" in name for name in legend(figure))


def test_bytes_are_marked_by_direction_and_wasted_ones_too(tmp_path):
    def waste(tables):
        tables["summary"] = [replace(row, wasted_bytes=row.uplink_bytes // 4) for row in tables["summary"]]

    run = changed(tmp_path / "demo", waste, labels=("full", "lora"), lost=0.2)
    figure, summary = drawn(run, "bytes_parts"), run.frame("summary")
    totals, shares = figure.axes
    marks = {}
    for line in totals.get_lines():
        if line.get_marker() not in ("None", ""):
            marks.setdefault(line.get_marker(), []).append(line.get_xdata()[0])
    assert marks["v"] == pytest.approx(summary["downlink_bytes"].tolist())
    assert marks["^"] == pytest.approx(summary["uplink_bytes"].tolist())
    assert marks["x"] == pytest.approx(summary["wasted_bytes"].tolist())
    share = summary["wasted_bytes"] / (summary["uplink_bytes"] + summary["downlink_bytes"])
    assert [text.get_text().split(", ")[1] for text in shares.texts] == [f"{100 * each:.1f} % wasted" for each in share]
    assert [sum(row) for row in widths(shares)] == pytest.approx([100, 100])


def test_a_scheme_that_sends_nothing_keeps_its_row(tmp_path):
    def silent(tables):
        tables["transfers"] = [row for row in tables["transfers"] if row.label != "bias"]
        nothing = {"uplink_bytes": 0, "downlink_bytes": 0}
        tables["summary"] = [replace(row, **nothing) if row.label == "bias" else row for row in tables["summary"]]

    run = changed(tmp_path / "demo", silent, labels=LABELS)
    figure = drawn(run, "bytes_parts")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(LABELS)
    assert "bias nothing" in KINDS["bytes_parts"].words(Material(run).of(""))


def test_participation_shows_who_was_refused_and_why(one, figures):
    devices, spread, by_group = figures["participation"].axes
    third = 100 / len(GROUPS)
    assert widths(devices)[0][1] == pytest.approx(third), "phones lack the memory for full fine-tuning"
    assert {"memory 100 %"} <= {text.get_text() for text in by_group.texts}
    assert [text.get_text() for text in by_group.get_yticklabels()][:2] == ["full, phones", "full, laptops"]
    clients = one.frame("clients").query("label == 'full' and outcome == 'completed'")
    counts = clients.groupby("device").size().reindex(range(3 * N_PER_GROUP), fill_value=0)
    line = spread.get_lines()[0]
    assert list(line.get_ydata()) == sorted(counts, reverse=True)
    assert line.get_ydata()[-N_PER_GROUP:].sum() == 0


def test_groups_of_many_schemes_are_taken_together(tmp_path):
    run = write_demo(tmp_path / "demo", labels=tuple(f"lora {i}" for i in range(16)), lost=0.2)
    by_group = drawn(run, "participation").axes[2]
    assert len(by_group.get_yticks()) == 16
    assert "a row a scheme" in KINDS["participation"].caption(Material(run).of(""))


def test_a_scheme_with_which_every_turn_completed_is_one_row(tmp_path):
    figure = drawn(write_demo(tmp_path / "demo", labels=LABELS), "participation")
    names = [text.get_text() for text in figure.axes[2].get_yticklabels()]
    assert names == ["full, phones", "full, laptops", "full, boxes", "lora, all groups", "bias, all groups"]


def test_the_map_shows_places_and_who_took_part(one, figures):
    figure = figures["area_map"]
    axes, bar = figure.axes
    assert bar.get_ylabel() == "Downlink SINR (dB)"
    assert axes.get_aspect() == 1.0
    devices = one.frame("devices")
    places = [point for line in axes.get_lines() for point in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    assert set(zip(devices["x_m"], devices["y_m"], strict=True)) <= set(places)
    (image,) = axes.get_images()
    assert image.get_array().shape == (20, 20)
    assert list(image.get_extent()) == [0.0, 400.0, 0.0, 400.0]
    phones = devices[devices["group"] == "phones"]
    half = [line for line in axes.get_lines() if line.get_fillstyle() == "left" and line.get_marker() == "o"]
    assert set(half[0].get_xdata()) == set(phones["x_m"]), "full refuses them, the others do not"
    assert "half white: with some schemes" in legend(figure)


def test_the_first_cell_of_the_coverage_is_where_it_belongs(one, figures):
    (image,) = figures["area_map"].axes[0].get_images()
    coverage = one.frame("coverage").set_index(["x_m", "y_m"])["downlink_sinr_db"]
    assert image.origin == "lower"
    assert image.get_array()[0, 0] == coverage[10.0, 10.0]
    assert image.get_array()[19, 2] == coverage[50.0, 390.0]


def test_sectors_are_wedges_about_their_axes_and_holes_stay_white(tmp_path):
    def sectors(tables):
        tables["stations"] = [replace(row, sectors=3, azimuth_deg=30.0) for row in tables["stations"]]
        tables["coverage"] = [replace(row, downlink_sinr_db=-np.inf) if row.x_m < 50 else row for row in tables["coverage"]]

    figure = drawn(changed(tmp_path / "demo", sectors, labels=("lora",)), "area_map")
    wedges = figure.axes[0].patches
    assert len(wedges) == 9
    assert [(wedge.theta1 + wedge.theta2) / 2 for wedge in wedges[:3]] == [30.0, 150.0, 270.0]
    array = figure.axes[0].get_images()[0].get_array()
    assert array.mask[:, :2].all()
    assert not array.mask[:, 2:].any()


def test_a_map_without_coverage_says_so_and_without_places_there_is_none(tmp_path):
    def bare(tables):
        tables["coverage"] = []

    figure = drawn(changed(tmp_path / "bare", bare, labels=("lora",)), "area_map")
    assert "No coverage is recorded of this network." in notes(figure)
    assert len(figure.axes) == 1

    def nowhere(tables):
        tables["coverage"], tables["devices"], tables["stations"] = [], [], []

    run = changed(tmp_path / "nowhere", nowhere, labels=("lora",))
    assert "no places" in KINDS["area_map"].lacks(Material(run).of(""))
    assert "those that were never asked are missing" in notes(drawn(run, "participation"))


def test_diagnostics_have_bands_with_several_seeds_alone(figures, several):
    (axes,) = figures["diagnostics"].axes
    assert (axes.get_title(), axes.get_ylabel()) == ("Gap: deployed less devices' model", "Accuracy (points)")
    assert axes.get_lines()[0].get_ydata() == pytest.approx([20 * 0.5**number for number in range(16)])
    assert len(axes.collections) == 0
    assert len(drawn(several, "diagnostics").axes[0].collections) == 3


def test_groups_stand_in_rows_with_intervals_with_several_seeds_alone(several, figures):
    (axes,) = figures["groups"].axes
    assert [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()] == [
        f"{name} (8\N{NO-BREAK SPACE}devices)" for name in GROUPS
    ]
    assert len(axes.collections) == 1, "the lines between rows"
    frame = several.frame("groups").query("round == 15 and label == 'lora'").groupby("group")["accuracy"]
    (axes,) = drawn(several, "groups").axes
    marks = axes.get_lines()[LABELS.index("lora")]
    assert marks.get_xdata() == pytest.approx([100 * frame.mean()[name] for name in GROUPS])
    bars = axes.containers[LABELS.index("lora")].lines[2][0].get_segments()
    half = 4.303 * frame.std()["phones"] / np.sqrt(3)
    assert np.ptp(bars[0][:, 0]) == pytest.approx(200 * half, rel=1e-3)


def test_what_is_not_there_is_named(tmp_path):
    def empty(tables):
        for name in ("clients", "transfers", "energy", "diagnostics", "groups"):
            tables[name] = []

    material = Material(changed(tmp_path / "demo", empty, labels=("lora",))).of("")
    for name in set(NAMES) - {"area_map"}:
        assert KINDS[name].lacks(material), name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("font", ["serif", "latex"])
def test_all_fit_in_a_column_too(several, name, font):
    whole = Material(several)
    figure = KINDS[name].draw(whole.of(""), look_of(whole, "", "column", font))
    lay_out(figure, font)
    assert figure.get_size_inches()[0] < PAGE_IN / 2
    assert all(axes.get_position().width > 0.3 for axes in figure.axes if axes.get_label() != "<colorbar>")


def test_words_carry_the_numbers(one):
    material = Material(one).of("")
    summary = one.frame("summary").set_index("label")
    share = f"{100 * summary['refused_device_share']['full']:.1f} % refused"
    assert share in KINDS["participation"].words(material)
    assert "3 base stations and 24 devices" in KINDS["area_map"].words(material)
    assert "full" in KINDS["timeline"].words(material)
    assert "points between the best and the worst" in KINDS["groups"].words(material)


def test_parts_without_a_fill_of_their_own_get_different_ones():
    fills = fills_of(["a", "b", "c", "d"], {"b": fills_of(["x"], {})["x"]})
    assert len({(fill.colour, fill.hatch) for name, fill in fills.items() if name != "b"}) == 3
