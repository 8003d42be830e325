"""What is said of events of files that lie before a split which is booked already: they are booked as the file says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from portfolio.application.imports.records import Identified
from portfolio.application.ledger.happenings.late_splits import not_split
from portfolio.domain.decimal_text import listed
from portfolio.domain.imports.records import Place
from portfolio.domain.ledger.happening import BookedSplit

_NAMED = 3


def remarks_on(events: Sequence[Identified], splits: Sequence[BookedSplit]) -> list[str]:
    """Return a remark on the rows that lie before the same splits of what they move."""
    of_symbol = defaultdict[str, list[BookedSplit]](list)
    for split in splits:
        of_symbol[split.symbol.code].append(split)
    rows = defaultdict[tuple[BookedSplit, ...], list[Place]](list)
    for one in events if splits else ():
        legs, at = one.event.legs, one.event.at
        later = [split for symbol in legs if symbol in of_symbol for split in of_symbol[symbol] if split.at > at]
        if later:
            rows[tuple(later)].append(one.event.rows[0])
    return [remark for later, places in rows.items() if (remark := not_split(what_is_said(places), later))]


def what_is_said(places: Sequence[Place]) -> str:
    """Return how these rows begin a sentence on what they say."""
    names = listed([str(place) for place in dict.fromkeys(places)], _NAMED)
    return f"what row {names} says" if len(set(places)) == 1 else f"what rows {names} say"
