"""What is said of events of files that lie before a split or a rename which is booked already: they are booked as the
file says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from portfolio.application.imports.records import Identified
from portfolio.application.ledger.happenings.late_splits import not_changed
from portfolio.domain.decimal_text import listed
from portfolio.domain.imports.records import Place
from portfolio.domain.ledger.happening import BookedChange

_NAMED = 3


def remarks_on(events: Sequence[Identified], changes: Sequence[BookedChange]) -> list[str]:
    """Return a remark on the rows that lie before the same splits and renames of what they move."""
    of_symbol = defaultdict[str, list[BookedChange]](list)
    for change in changes:
        of_symbol[change.symbol.code].append(change)
    rows = defaultdict[tuple[BookedChange, ...], list[Place]](list)
    for one in events if changes else ():
        legs, at = one.event.legs, one.event.at
        later = [one for symbol in legs if symbol in of_symbol for one in of_symbol[symbol] if one.at > at]
        if later:
            rows[tuple(later)].append(one.event.rows[0])
    return [remark for later, places in rows.items() if (remark := not_changed(what_is_said(places), later))]


def what_is_said(places: Sequence[Place]) -> str:
    """Return how these rows begin a sentence on what they say."""
    names = listed([str(place) for place in dict.fromkeys(places)], _NAMED)
    return f"what row {names} says" if len(set(places)) == 1 else f"what rows {names} say"
