"""Which rows of two files look like one transfer between places of the same owner. It is told, and decides nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Final, NamedTuple

from portfolio.application.imports.before_splits import what_is_said
from portfolio.application.imports.records import Preview
from portfolio.domain.arithmetic import exact
from portfolio.domain.decimal_text import listed
from portfolio.domain.imports.records import FileEvent, Kind, Place

_WITHIN: Final = timedelta(days=1)
_CLOCKS: Final = timedelta(minutes=10)
_MOST_LOST: Final = Decimal("1.05")
"""So much more may have left than came: the fee of the network."""
_MOST_TRIED: Final = 50
_NAMED: Final = 3


class _Sent(NamedTuple):
    """What left: when, how much, by which row of which file."""

    at: datetime
    quantity: Decimal
    place: Place
    of: Preview


def tell_own_transfers(previews: Sequence[Preview]) -> None:
    """Add a remark to each file in which comes what left in another one."""
    sent = defaultdict[str, list[_Sent]](list)
    for preview in previews if len(previews) > 1 else ():
        for one in preview.events:
            if one.event.kind is Kind.TRANSFER_OUT:
                sent[one.event.symbol].append(_Sent(one.event.at, one.event.quantity, one.event.rows[0], preview))
    for moves in sent.values():
        moves.sort(key=attrgetter("at"))
    told = set[int]()
    for preview in previews if sent else ():
        came = defaultdict[str, list[tuple[Place, Place]]](list)
        for one in preview.events:
            near = _near(one.event, sent.get(one.event.symbol, ())) if one.event.kind is Kind.TRANSFER_IN else ()
            others = [each for each in near if each.of is not preview and id(each) not in told]
            if others:
                found = min(others, key=attrgetter("quantity"))
                told.add(id(found))
                came[found.of.name].append((one.event.rows[0], found.place))
        if came:
            preview.remarks = [*preview.remarks, *(_said(name, pairs) for name, pairs in came.items())]


@exact
def _near(event: FileEvent, moves: Sequence[_Sent]) -> list[_Sent]:
    """Return what may have been sent of what came: not less, and more by a fee at most."""
    first = bisect_left(moves, event.at - _WITHIN, key=attrgetter("at"))
    last = bisect_right(moves, event.at + _CLOCKS, key=attrgetter("at"))
    least, most = event.quantity, event.quantity * _MOST_LOST
    return [one for one in moves[max(first, last - _MOST_TRIED) : last] if least <= one.quantity <= most]


def _said(name: str, pairs: Sequence[tuple[Place, Place]]) -> str:
    rows, left = what_is_said([came for came, _ in pairs]), listed([str(sent) for _, sent in pairs], _NAMED)
    by = "row" if len(pairs) == 1 else "rows"
    return (
        f"{rows}: may be what left by {by} {left} of {name}. Nothing is counted twice, but what comes has a new cost,"
        " its value of the day, and a new date: to keep the old ones, take the rows out of both files, and book the fee"
        " of the transfer as a loss"
    )
