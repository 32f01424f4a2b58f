"""The report in a real browser: headless Chromium, driven by Playwright. Nothing is downloaded: it is the system's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str:
    """Return the program; skip the test, saying why, where there is none."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(_NAMES)}): the report is not tried in a browser")
    return path


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Start a browser, and end it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: see the extra 'dev'")
    with playwright.sync_playwright() as driver:
        # Without a sandbox of its own, which needs rights that a container does not give; the page is ours.
        browser = driver.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: "Browser", report: Path, *, width: int = 1400, **options) -> "Iterator[tuple[Page, list[str]]]":
    """Open a report from disk; give the page and a list that grows with whatever it complains of or asks a network for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", lambda request: complaints.append(f"request: {request.url}") if request.url != report.as_uri() else None)
    try:
        page.goto(report.as_uri())
        yield page, complaints
    finally:
        context.close()


def contrast(page: "Page", selector: str) -> float:
    """Return the least contrast of text that ``selector`` finds against what is behind it (WCAG 2.2, 1.4.3)."""
    return page.evaluate(_CONTRAST, selector)


_CONTRAST = """selector => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { rgb: [r, g, b], a }; };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const { rgb, a } = parse(getComputedStyle(node).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const each = [...document.querySelectorAll(selector)].map((element) => {
    const [one, two] = [light(parse(getComputedStyle(element).color).rgb), light(behind(element))];
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  });
  return Math.min(...each);
}"""
