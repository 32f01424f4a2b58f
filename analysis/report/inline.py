"""Put an SVG file into an HTML page: no clash of ids, a text in its place for those who cannot see it."""

import re

from markupsafe import Markup, escape

_PROLOG = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
_SIZE = re.compile(r'\s(?:width|height)="[^"]*"')
_ID = re.compile(r'(\bid="|href="#|url\(#)')


def inline_svg(text: str, *, prefix: str, words: str) -> Markup:
    """Return the ``<svg>`` element of a file, its ids begun with ``prefix``, its size left to the page, labelled ``words``."""
    body = _PROLOG.sub("", text)
    start, rest = body[body.index("<svg") :].split(">", 1)
    start = f'{_SIZE.sub("", start)} role="img" aria-label="{escape(words)}">'
    return Markup(start + _ID.sub(rf"\g<1>{prefix}-", rest.rstrip()))  # noqa: S704 - matplotlib's own text, words escaped
