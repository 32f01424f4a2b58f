"""Numbers stay on one line with their units."""

import re

from analysis.formats import TIMES

#: What may follow a number, and belongs to it.
_UNITS = r"(?:%|±|(?:[nmkµMGTPE]?(?:B|J|g|s|Hz|FLOP)|min|h|d|m|points|times|seeds?|rounds|devices)\b)"
_BETWEEN = re.compile(rf"(?<=\d) (?={_UNITS})|(?<=[±{TIMES}]) (?=\d)|(?<=\d (?:h|d)) (?=\d)|(?<=\d min) (?=\d)")


def together(text: object) -> str:
    """Return the text with no-break spaces between numbers and what belongs to them."""
    return _BETWEEN.sub("\N{NO-BREAK SPACE}", str(text))
