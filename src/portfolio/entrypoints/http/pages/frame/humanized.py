"""Sentences of the API as a page says them: names without signs of machines, numbers rounded as figures are."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from portfolio.entrypoints.http.pages.frame.formats import Kind, shown

_NAME: Final = re.compile(r"(?<=[a-z])_(?=[a-z])")
_NUMBER: Final = re.compile(r"(?<![\w.])([0-9]+\.[0-9]{3,})( %)?(?![\w.])")


def humanized(sentence: str) -> Markup:
    """Return a sentence of shares and statistics; a number of many digits is rounded, its exact ones beside it.

    >>> humanized("smart_contracts is 44.534453 % of the total value, over the category limit of 40 %")
    Markup('smart contracts is <span class="n" data-exact="44.534453">44.53 %</span> of the total value, \
over the category limit of 40 %')
    """
    parts, at = Markup(), 0
    for found in _NUMBER.finditer(sentence):
        kind = Kind.PERCENT if found[2] else Kind.RATIO
        parts += _NAME.sub(" ", sentence[at : found.start()])
        parts += Markup('<span class="n" data-exact="{}">{}</span>').format(found[1], shown(Decimal(found[1]), kind))
        at = found.end()
    return parts + _NAME.sub(" ", sentence[at:])
