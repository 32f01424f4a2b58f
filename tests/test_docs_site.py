"""The documentation site builds without a warning, reads like the Markdown it is made from, and needs no network."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WRITTEN = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None,
    reason="mkdocs-material is not installed: it comes with the extra 'docs'",
)


class Reader(HTMLParser):
    """Notes the tags, anchors and targets of a page; of its article, also what a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.loaded = set(), [], []
        self.tags, self._open = Counter(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self._open.append((tag, given.get("class") or ""))
        self.ids |= {given.get("id")} - {None}
        if tag == "a" and "href" in given:
            self.targets.append(given["href"])
        if (source := given.get("src") or (tag == "link" and given.get("href"))) and given.get("rel") not in ("prev", "next"):
            self.loaded.append(source)
        if any(tag == "article" for tag, _ in self._open) and "headerlink" not in (given.get("class") or ""):
            self.tags[tag] += 1

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "mkdocs.yml", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Reader(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_page_is_there_and_in_the_navigation(pages):
    names = {name.replace(".md", ".html") for name in WRITTEN}
    assert names <= pages.keys()
    linked = {os.path.normpath(target.partition("#")[0]) for target in pages["index.html"].targets}
    assert names <= linked | {"index.html"}
    assert {"repository/CONTRIBUTING.html", "repository/CHANGELOG.html", "reference/network.html", "adr/index.html"} <= linked


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for name, page in pages.items():
        for source in page.loaded:
            if source.startswith("data:"):
                continue
            assert not re.match(r"(https?:)?//", source), (name, source)
            assert name == "404.html" or (site / name).parent.joinpath(unquote(source.partition("?")[0])).exists(), (
                name,
                source,
            )
    styles = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert not any(re.search(r"url\(['\"]?(https?:)?//|@import", text) for text in styles)


def test_links_lead_to_pages_and_sections(site, pages):
    checked = 0
    for name, page in pages.items():
        for target in page.targets if name != "404.html" else ():
            if re.match(r"https?://|mailto:", target):
                continue
            place, _, anchor = unquote(target).partition("#")
            linked = (site / name).parent / place if place else site / name
            assert linked.exists(), (name, target)
            if anchor and linked.suffix == ".html":
                known = pages[linked.resolve().relative_to(site.resolve()).as_posix()].ids
                assert anchor in known or anchor.startswith("__"), (name, target)
                checked += 1
    assert checked > 100


def as_a_forge(text):
    """Return how many of each tag CommonMark with tables makes of ``text``."""
    from markdown_it import MarkdownIt

    return Reader(f"<article>{MarkdownIt('commonmark').enable('table').render(text)}</article>").tags


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_has_the_parts_that_it_has_on_a_forge(pages, name):
    """Python-Markdown and forges differ in lists, tables and anchors; what is written here reads alike in both."""
    text = (DOCS / name).read_text(encoding="utf-8")
    shown, wanted = pages[name.replace(".md", ".html")].tags, as_a_forge(text)
    for tag in ("h1", "h2", "h3", "table", "tr", "td", "li", "ul", "ol", "img", "strong", "em"):
        assert shown[tag] == wanted[tag], tag
    assert shown["pre"] >= wanted["pre"]


def test_an_example_is_shown_whole_and_its_link_leads_to_it(site):
    text = (site / "extend" / "dataset.html").read_text(encoding="utf-8")
    assert re.sub(r"<[^>]+>", "", text).count("def load(params: StripesParams)") == 1
    assert 'href="../examples/stripes.py.html"' in text
    assert not list(site.rglob("*.py"))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")
def test_the_search_works_from_disk_without_a_network(site):
    address = f"{(site / 'index.html').as_uri()}?q=bandwidth_mhz"
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=8000",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    done = subprocess.run([CHROMIUM, *options, "--dump-dom", address], capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'md-search-result__meta">\s*(\d+) matching', done.stdout)
    assert found, done.stderr[-500:]
    assert int(found[1]) >= 2
    assert "reference/network.html" in done.stdout.partition("md-search-result__list")[2]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")
@pytest.mark.parametrize("width_px", [390, 1400])
def test_pages_fit_a_phone_and_a_desk_without_an_error(site, width_px):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: it comes with the extra 'dev'")
    told = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width_px, "height": 900})
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: told.append(request.url) if request.url.startswith("http") else None)
        for name in ("index", "getting_started", "network", "reference/schemes", "extend/dataset", "repository/CHANGELOG"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width_px, name
            assert page.locator("article h1").count() == 1, name
        browser.close()
    assert told == []
