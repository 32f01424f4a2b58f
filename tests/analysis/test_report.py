import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from made_up_study import MANIFEST, SCENARIO, write_demo

from analysis.findings import findings
from analysis.formats import bytes_text, duration_text, energy_text, percent_text
from analysis.material import Material
from analysis.report import add_analysis
from analysis.sweep_findings import sweep_findings

VOID = {"meta", "link", "img", "br", "hr", "input", "image"}


class Page(HTMLParser):
    """What a browser would see: text, cells of rows, captions, attributes; complains of tags that do not match."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text, self.rows, self.captions = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.rows = [[" ".join("".join(cell).split()) for cell in row] for row in self.rows]
        self.captions = [" ".join("".join(caption).split()) for caption in self.captions]

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append([])
        if tag == "figcaption":
            self.captions.append([])

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"style", "svg", "script"} & set(self.open):
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1].append(data)
        if "figcaption" in self.open:
            self.captions[-1].append(data)

    def words(self):
        return " ".join(" ".join(self.text).split())

    def all(self, tag):
        return [attrs for name, attrs, _ in self.tags if name == tag]


@pytest.fixture(scope="module")
def html(reported):
    return (reported.folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def sweep_page(reported_sweep):
    return Page((reported_sweep.folder / "report.html").read_text(encoding="utf-8"))


def test_nothing_comes_from_elsewhere(html, page):
    for _, attrs, _ in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attrs.get(name, "#").startswith(("#", "data:image/png;base64,")), attrs
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html


def test_the_policy_lets_the_one_script_run_and_nothing_else(html, page):
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == len(page.all("script")) == 1
    policy = next(attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy.split("; ")[0] == "default-src 'none'"
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_answer_comes_first(page, reported):
    words = page.words()
    found = findings(Material(reported))
    for finding in found:
        assert " ".join(finding.text.split()) in words
    assert (
        words.index("What do 6 schemes") < words.index(found[0].text) < words.index("The figures", words.index(found[0].text))
    )


def test_the_compact_table_has_the_numbers(page, reported):
    for row in Material(reported).labels.itertuples():
        cells = next(cells for cells in page.rows if cells[0] == row.label)
        assert cells[1].removesuffix(" (best)") == percent_text(row.final_accuracy)
        assert cells[2].removesuffix(" (best)") == duration_text(row.sim_time_s)
        assert cells[3].removesuffix(" (best)") == energy_text(row.device_energy_j)
        assert cells[4].removesuffix(" (best)") == bytes_text(row.uplink_bytes)


def test_the_best_of_a_column_is_marked_and_so_are_its_equals(page, reported):
    labels = Material(reported).labels.set_index("label")
    rows = {cells[0]: cells for cells in page.rows[1:7]}
    assert [name for name, cells in rows.items() if cells[1].endswith("(best)")] == [labels["final_accuracy"].idxmax()]
    assert [name for name, cells in rows.items() if cells[6].endswith("(best)")] == [name for name in rows if name != "full"]


def test_cells_carry_the_numbers_that_they_are_sorted_by(page, reported):
    values = [float(attrs["data-value"]) for attrs in page.all("td") if "data-value" in attrs]
    for column in ("final_accuracy", "sim_time_s", "uplink_bytes", "carbon_g"):
        assert set(reported.frame("summary")[column]) <= set(values)


def test_every_figure_is_told_in_words(page, reported):
    drawings = page.all("svg")
    assert (
        len(page.all("figure"))
        == len(page.all("figcaption"))
        == len(drawings)
        == len(list((reported.folder / "plots").iterdir()))
    )
    for attrs in drawings:
        assert attrs["role"] == "img"
        assert len(attrs["aria-label"]) > 40
        assert "viewbox" in attrs
        assert "width" not in attrs
    assert [caption for caption in page.captions if "One seed" not in caption] == []


def test_ids_are_unique_and_references_lead_somewhere(html, page):
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", html)) <= set(ids)


def test_tables_scroll_in_their_own_box(page):
    boxes = [attrs for tag, attrs, _ in page.tags if tag == "div" and "scroll" in attrs.get("class", "").split()]
    assert len(boxes) == len(page.all("table")) == len(page.all("caption"))
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "region" and attrs["aria-label"] for attrs in boxes)


def test_outcomes_and_refusals_are_there(page, reported):
    refused = int(reported.frame("summary")["refused"].sum())
    assert f"0 of {refused} completed, {refused} refused" in page.words()
    assert f"full phone refused memory - {refused}" in page.words()


def test_what_was_not_reached_is_said_with_its_bound(page, reported):
    spent = reported.frame("summary").set_index("label").loc["head", "sim_time_s"]
    assert f"head 0 of 1 not reached (> {duration_text(spent)})" in page.words()


def test_every_trial_has_a_row(sweep_page, reported_sweep):
    for row in reported_sweep.frame("summary").itertuples():
        trials = [cells for cells in sweep_page.rows if cells[:4] == [row.variant, row.label, str(row.seed), str(row.rounds)]]
        assert len(trials) == 1


def test_it_can_be_reproduced(page):
    words = page.words()
    for text in (MANIFEST["command"], "torch 2.9.1", "Python 3.11.9", "workstation", "6 min 53 s", "jobs from the store 88"):
        assert text in words
    assert " ".join(SCENARIO.split()) in words


def test_stand_ins_and_reconstructions_are_said(page):
    assert "Bytes, FLOPs and memory are those of vit-base-16; accuracy is of the model trained here." in page.words()
    assert "not from their authors' code: prompt." in page.words()


def test_the_question_in_words(page):
    words = page.words()
    assert "What do 6 schemes to fine-tune vit-tiny on digits reach, and what do they take: full, head, bias" in words
    assert "The world: 24 devices (8 phones, 8 laptops, 8 boxes); 3 base stations in urban street cells" in words
    assert "15 rounds (sync), each asking 6 devices; the target is an accuracy of 85.0 %" in words
    assert "rate 0.05, rank 8" in words


def test_the_same_run_gives_the_same_report(reported_sweep, svg_only):
    report = reported_sweep.folder / "report.html"
    before = report.read_bytes()
    add_analysis(reported_sweep.folder)
    assert report.read_bytes() == before


def test_labels_cannot_inject(tmp_path, svg_only):
    label = 'lora <script>alert("1")</script> --> & $x$'
    run = write_demo(tmp_path / "demo", labels=(label, "bias"), manifest={"name": "<i>x</i>"}, extras=add_analysis)
    page = Page((run.folder / "report.html").read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert page.all("i") == []
    assert label in page.words()


def test_a_bare_manifest_and_an_own_model_will_do(tmp_path, svg_only):
    bare = dict.fromkeys(MANIFEST)
    synthetic = "name: city\nlearning: {kind: synthetic}\n"
    run = write_demo(
        tmp_path / "demo", labels=("bias",), account_as="", target=None, manifest=bare, scenario=synthetic, extras=add_analysis
    )
    words = Page((run.folder / "report.html").read_text(encoding="utf-8")).words()
    assert "Every turn completed." in words
    assert "What it takes to the target" not in words
    assert "Nothing is trained: accuracy follows from a formula" in words
    assert "Nothing was trained" in words
    assert "the model that was trained here" not in words


def test_a_sweep_is_answered_as_a_whole_and_each_variant_is_folded(sweep_page, reported_sweep):
    material, words = Material(reported_sweep), sweep_page.words()
    for finding in (*sweep_findings(material), *findings(material)):
        assert " ".join(finding.text.split()) in words
    first = next(finding.text for finding in findings(material))
    assert words.index(sweep_findings(material)[0].text) < words.index("Each variant:") < words.index(first)
    assert "The sweep is over Bandwidth (MHz): 2, 5, 20 and 100." in words
    assert "each scheme is run with 3 seeds" in words


def test_a_sweep_has_the_overview_of_each_variant_in_a_fold(sweep_page, reported_sweep):
    folded = [attrs for tag, attrs, around in sweep_page.tags if tag == "svg" and "details" in around]
    assert [attrs["aria-label"].split(":")[0] for attrs in folded] == list(Material(reported_sweep).variants)


def test_differences_are_of_the_same_worlds(sweep_page):
    """Of the made-up accuracies, all labels have the same luck: lora is below full by the difference of their limits alone."""
    row = next(cells for cells in sweep_page.rows if cells[:2] == ["bandwidth_mhz=2", "lora"] and "worse" in cells[2])
    assert row[2].startswith("-")
    assert row[3].endswith("better")
