"""The report as a reader meets it: from disk, in Chromium, by mouse and by keyboard, wide and narrow, light and dark."""

import re

import pytest
from browser import chromium, contrast, opened

from analysis.material import Material

#: WCAG 2.2, 1.4.3: text needs this contrast; 1.4.11: the edge of a field this.
TEXT, EDGE = 4.5, 3.0
TEXTS = "p, li, h1, h2, h3, th, td, caption, figcaption, dt, dd, summary, label, code, a, th button, .filter span"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def report(reported):
    return reported.folder / "report.html"


@pytest.fixture(scope="module")
def sweep_report(reported_sweep):
    return reported_sweep.folder / "report.html"


@pytest.fixture(scope="module")
def opened_sweep(browser, sweep_report):
    with opened(browser, sweep_report) as (page, complaints):
        yield page
        assert complaints == []


@pytest.fixture
def page(opened_sweep):
    """Give the sweep's report as it is when it has just been opened."""
    opened_sweep.reload()
    return opened_sweep


def trials(page):
    return page.locator("section.trials table")


def column(page, head):
    """Return the texts and the numbers of a column of the trials that are shown."""
    heads = trials(page).locator("thead th").all_inner_texts()
    place = next(i for i, text in enumerate(heads) if " ".join(text.split()).startswith(head))
    return trials(page).evaluate(
        """(table, place) => [...table.tBodies[0].rows].filter((row) => !row.hidden)
            .map((row) => [row.cells[place].textContent.trim(), Number(row.cells[place].dataset.value)])""",
        place,
    )


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_loads_in_silence_and_nothing_overflows(browser, report, sweep_report, width, scheme, tmp_path):
    for path in (report, sweep_report):
        with opened(browser, path, width=width, color_scheme=scheme) as (page, complaints):
            page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=tmp_path / f"{path.parent.name}-{width}-{scheme}.png", full_page=True)
            assert contrast(page, TEXTS) >= TEXT
            assert complaints == []


def test_the_contents_are_there_where_there_is_room(browser, report):
    for width, visible in ((1400, True), (390, False)):
        with opened(browser, report, width=width) as (page, _):
            contents = page.locator("nav.contents")
            assert contents.is_visible() is visible
            assert page.locator("nav.contents a").count() == page.locator("main h2").count()


def test_every_figure_and_table_has_a_name(page, reported_sweep):
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    n_figures = len(list((reported_sweep.folder / "plots").iterdir()))
    assert page.get_by_role("figure").count() == n_figures
    assert page.locator("svg").count() == n_figures
    heard = page.locator("body").aria_snapshot().splitlines()
    for role in ("figure", "img", "table", "region", "searchbox", "button", "link", "navigation"):
        named = [line for line in heard if re.match(rf"\s*- '?{role} \"[^\"]{{4,}}", line)]
        assert named, role
        assert [line for line in heard if re.match(rf"\s*- '?{role}\b", line)] == named


def test_a_click_sorts_by_the_number_and_not_by_the_text(page):
    before = column(page, "time to the end")
    button = trials(page).get_by_role("button", name="time to the end")
    button.click()
    rising = column(page, "time to the end")
    assert [value for _, value in rising] == sorted(value for _, value in before)
    assert [text for text, _ in rising] != sorted(text for text, _ in before)
    assert trials(page).locator("th[aria-sort=ascending]").inner_text().startswith("time to the end")
    button.click()
    assert [value for _, value in column(page, "time to the end")] == sorted((value for _, value in before), reverse=True)
    assert trials(page).locator("th[aria-sort=descending]").count() == 1
    button.click()
    assert column(page, "time to the end") == before
    assert trials(page).locator("th[aria-sort=none]").count() == trials(page).locator("th[aria-sort]").count()


def test_variants_are_sorted_as_in_the_study(page, reported_sweep):
    trials(page).get_by_role("button", name="variant").click()
    shown = [text for text, _ in column(page, "variant")]
    variants = list(Material(reported_sweep).variants)
    assert shown == sorted(shown, key=variants.index)
    assert variants != sorted(variants)


def test_what_is_missing_stays_below_whichever_way_it_is_sorted(browser, report):
    with opened(browser, report) as (page, _):
        button = trials(page).get_by_role("button", name="time to the target")
        for _ in range(2):
            button.click()
            assert [text for text, _ in column(page, "time to the target")].count("-") == 2
            assert [text for text, _ in column(page, "time to the target")][-2:] == ["-", "-"]


def test_sorting_and_filtering_by_keyboard_alone(page):
    field = page.locator("section.trials").get_by_label("Filter rows")
    status = page.locator("section.trials [role=status]")
    assert status.inner_text() == "36 rows"
    field.focus()
    page.keyboard.type("LORA bandwidth_mhz=20")
    assert {text for text, _ in column(page, "scheme")} == {"lora"}
    assert {text for text, _ in column(page, "variant")} == {"bandwidth_mhz=20"}
    assert status.inner_text() == "3 of 36 rows"
    assert status.get_attribute("aria-live") == "polite"
    page.keyboard.press("Tab")  # the scrolling box
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText.trim()") == "seed"
    for key, way in (("Enter", 1), ("Space", -1)):
        page.keyboard.press(key)
        assert [value for _, value in column(page, "seed")] == [1.0, 2.0, 3.0][::way]
    assert status.inner_text() == "3 of 36 rows. Sorted by seed, descending."
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    assert len(column(page, "seed")) == 36


def test_the_focus_is_seen_and_the_skip_link_leads_to_the_answer(browser, report):
    with opened(browser, report) as (page, _):
        link = page.get_by_role("link", name="Skip to the answer")
        assert link.evaluate("(e) => e.getBoundingClientRect().bottom < 0")
        page.keyboard.press("Tab")
        assert link.evaluate("(e) => e === document.activeElement && e.getBoundingClientRect().top >= 0")
        assert link.evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "answer"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_of_fields_are_seen(browser, sweep_report, scheme):
    with opened(browser, sweep_report, color_scheme=scheme) as (page, _):
        page.add_style_tag(content=".filter input { color: var(--edge) !important; }")
        assert contrast(page, ".filter input") >= EDGE


def test_nothing_moves_for_those_who_want_that(browser, report):
    for motion, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        with opened(browser, report, reduced_motion=motion) as (page, _):
            assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour


def test_without_scripts_it_is_the_same_page(browser, sweep_report, reported_sweep):
    with opened(browser, sweep_report, java_script_enabled=False) as (page, complaints):
        assert page.locator("section.trials tbody tr").count() == len(reported_sweep.frame("summary"))
        assert page.get_by_role("searchbox").count() == page.locator("th button").count() == 0
        assert page.get_by_role("table", name="Who is best at what, by variant").is_visible()
        assert complaints == []


def test_on_paper_the_folds_are_open(page):
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav.contents").is_visible()
    page.emulate_media(media="screen", color_scheme="light")
