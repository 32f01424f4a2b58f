"""Put an SVG file into an HTML page: no clash of ids, a text in its place for those who cannot see it, no idle digits."""

import re

from markupsafe import Markup, escape

_PROLOG = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_SIZE = re.compile(r'\s(?:width|height)="[^"]*"')
_ID = re.compile(r'(\bid="|href="#|url\(#)')
_PLACES = re.compile(r'(?<=\s)(?:d|x|y|points|transform)="[^"]*"')
_SCALE = re.compile(r"(scale|matrix|rotate)\([^)]*\)")
_DIGITS = re.compile(r"-?\d+\.\d{3,}")
_SPACE = re.compile(r"\s*\n\s*")


def inline_svg(text: str, *, prefix: str, words: str) -> Markup:
    """Return the ``<svg>`` element of a file, its ids begun with ``prefix``, its size left to the page, labelled ``words``.

    Places are rounded to a hundredth of a point, which no eye and no printer tells apart.
    """
    body = _PROLOG.sub("", text)
    start, rest = body[body.index("<svg") :].split(">", 1)
    start = f'{_SIZE.sub("", start)} role="img" aria-label="{escape(words)}">'
    rest = _SPACE.sub("\n", _PLACES.sub(lambda match: _rounded(match.group()), rest))
    return Markup(start + _ID.sub(rf"\g<1>{prefix}-", rest.rstrip()))  # noqa: S704 - matplotlib's own text, words escaped


def _rounded(places: str) -> str:
    """Round the numbers of one attribute; those of a scale or a rotation stay, as they multiply others."""
    kept = [match.group() for match in _SCALE.finditer(places)]
    short = _DIGITS.sub(lambda match: f"{float(match.group()):.2f}".rstrip("0").rstrip("."), places)
    originals = iter(kept)
    return _SCALE.sub(lambda _: next(originals), short)
