"""What is said of events of files that lie before a split or a rename which is booked already: they are booked as the
file says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from portfolio.application.imports.records import Identified
from portfolio.application.ledger.happenings.late_splits import not_changed
from portfolio.domain.decimal_text import listed
from portfolio.domain.imports.records import Place
from portfolio.domain.ledger.happening import BookedChange

_NAMED = 3


def renames_in(events: Iterable[Identified]) -> dict[str, datetime]:
    """Return when files themselves rename an asset, for the last time."""
    last = dict[str, datetime]()
    for one in events:
        for symbol, change in one.event.legs.items() if one.event.keeps_cost else ():
            if change < 0:
                last[symbol] = max(one.event.at, last.get(symbol, one.event.at))
    return last


def remarks_on(
    events: Sequence[Identified], changes: Sequence[BookedChange], renames: Mapping[str, datetime]
) -> list[str]:
    """Return a remark on the rows that lie before the same splits and renames of what they move.

    What lies before ``renames`` of the files is renamed by them: each place renames what is held there.
    """
    of_symbol = defaultdict[str, list[BookedChange]](list)
    for change in changes:
        of_symbol[change.symbol.code].append(change)
    rows = defaultdict[tuple[BookedChange, ...], list[Place]](list)
    for one in events if changes else ():
        at = one.event.at
        later = [
            change
            for symbol in one.event.legs
            if symbol in of_symbol
            for change in of_symbol[symbol]
            if change.at > at and (change.became is None or symbol not in renames or at > renames[symbol])
        ]
        if later:
            rows[tuple(later)].append(one.event.rows[0])
    return [remark for later, places in rows.items() if (remark := not_changed(what_is_said(places), later))]


def what_is_said(places: Sequence[Place]) -> str:
    """Return how these rows begin a sentence on what they say."""
    names = listed([str(place) for place in dict.fromkeys(places)], _NAMED)
    return f"what row {names} says" if len(set(places)) == 1 else f"what rows {names} say"
