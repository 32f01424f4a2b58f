import re
from html.parser import HTMLParser

import pytest
from made_up_study import MANIFEST, SCENARIO, write_demo

from analysis.findings import findings
from analysis.frames import by_label
from analysis.report import add_analysis
from analysis.report.asked import asked
from analysis.report.inline import inline_svg
from analysis.tables import summary_table

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a browser would see: text by place, attributes, ids; complains of tags that do not match."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "svg"} & set(self.open):
            self.text.append(data)

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


def test_nothing_comes_from_elsewhere(html, page):
    for _, attrs, _ in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert attrs.get(name, "#").startswith("#"), attrs
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html
    assert page.all("script") == []


def test_it_says_what_was_found(page, reported):
    for finding in findings(by_label(reported.frame("summary"))):
        assert finding.text in page.words()


def test_the_table_is_that_of_the_terminal(page, reported):
    for cells in summary_table(reported).itertuples(index=False, name=None):
        assert " ".join(cells) in page.words()


def test_every_figure_is_told_in_words(page, reported):
    assert len(page.all("figure")) == 4
    drawings = page.all("svg")
    assert len(drawings) == 4
    for attrs in drawings:
        assert attrs["role"] == "img"
        for label in reported.frame("summary")["label"]:
            assert f"{label} " in attrs["aria-label"]
        assert "viewbox" in attrs
        assert "width" not in attrs


def test_ids_are_unique_and_references_lead_somewhere(html, page):
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", html)) <= set(ids)


def test_tables_scroll_in_their_own_box(page):
    boxes = [attrs for tag, attrs, _ in page.tags if tag == "div" and attrs.get("class") == "scroll"]
    assert len(boxes) == len(page.all("table")) == 6
    assert all("aria-label" in attrs for attrs in boxes)


def test_outcomes_and_refusals_are_there(page, reported):
    refused = int(reported.frame("summary")["refused"].sum())
    assert f"0 of {refused} completed, {refused} refused" in page.words()
    assert f"full phone refused memory - {refused}" in page.words()


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
    assert (
        "24 devices (8 phones, 8 laptops, 8 boxes); an area of 400 m by 400 m; 3 base stations in urban street cells" in words
    )
    assert "vit-tiny is fine-tuned on digits" in words
    assert "15 rounds (sync), each asking 6 devices; the target is an accuracy of 85.0 %" in words
    assert "rate 0.05, rank 8" in words


def test_a_scenario_that_says_little_is_told_in_little():
    assert asked({}) == []
    assert asked({"target_accuracy": 0.9, "fleet": None}) == ["the target is an accuracy of 90.0 %."]


def test_the_same_run_gives_the_same_report(reported, html, svg_only):
    add_analysis(reported.folder)
    assert (reported.folder / "report.html").read_text(encoding="utf-8") == html


def test_labels_cannot_inject(tmp_path, svg_only):
    label = 'lora <script>alert("1")</script> --> & $x$'
    run = write_demo(tmp_path / "demo", labels=(label, "bias"), manifest={"name": "<i>x</i>"}, extras=add_analysis)
    page = Page((run.folder / "report.html").read_text(encoding="utf-8"))
    assert page.all("script") == page.all("i") == []
    assert label in page.words()


def test_a_bare_manifest_and_an_own_model_will_do(tmp_path, svg_only):
    bare = dict.fromkeys(MANIFEST)
    run = write_demo(tmp_path / "demo", labels=("bias",), account_as="", target=None, manifest=bare, extras=add_analysis)
    words = Page((run.folder / "report.html").read_text(encoding="utf-8")).words()
    assert "Bytes, FLOPs and memory are those of the model that was trained here." in words
    assert "Every turn completed." in words


def test_a_study_without_training_says_so(tmp_path, svg_only):
    synthetic = "name: city\nlearning: {kind: synthetic}\n"
    run = write_demo(tmp_path / "demo", labels=("bias",), account_as="", scenario=synthetic, extras=add_analysis)
    words = Page((run.folder / "report.html").read_text(encoding="utf-8")).words()
    assert "Nothing is trained: accuracy follows from a formula" in words
    assert "Nothing was trained" in words
    assert "the model that was trained here" not in words


def test_a_sweep_has_an_overview_a_variant(tmp_path, svg_only):
    run = write_demo(
        tmp_path / "demo", labels=("full", "bias"), variants=("5 MHz", "20 MHz"), seeds=(1, 2), extras=add_analysis
    )
    page = Page((run.folder / "report.html").read_text(encoding="utf-8"))
    assert [attrs["aria-label"].split(":")[0] for attrs in page.all("svg")] == ["5 MHz", "20 MHz"]
    assert sorted(path.name for path in (run.folder / "plots").glob("overview*")) == [
        "overview-1-5-mhz.svg",
        "overview-2-20-mhz.svg",
    ]


def test_inlining_renames_ids_and_keeps_the_rest():
    text = '<?xml version="1.0"?><!DOCTYPE svg><svg width="3pt" height="2pt" viewBox="0 0 3 2"><!-- a --><g id="a" width="1"/>'
    drawing = inline_svg(f'{text}<use href="#a" clip-path="url(#a)"/></svg>', prefix="f1", words='say "hi" & go')
    assert drawing == (
        '<svg viewBox="0 0 3 2" role="img" aria-label="say &#34;hi&#34; &amp; go"><g id="f1-a" width="1"/>'
        '<use href="#f1-a" clip-path="url(#f1-a)"/></svg>'
    )
