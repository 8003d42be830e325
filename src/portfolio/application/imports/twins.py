"""Trades that two kinds of Binance's files tell, of which neither has ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from portfolio.domain.imports.events import Part, net
from portfolio.domain.imports.records import FileEvent, Kind

_Key: TypeAlias = tuple[datetime, str, str]


class History:
    """The trades that transaction histories told: of a second and a pair the sum of all fills, in one event each."""

    def __init__(self) -> None:
        self._legs: dict[_Key, Mapping[str, Decimal]] = {}

    def take(self, events: Iterable[FileEvent]) -> None:
        """Remember the trades of a history."""
        sums: dict[_Key, list[FileEvent]] = defaultdict(list)
        for event in events:
            if event.quote is not None and event.kind in {Kind.TRADE, Kind.CONVERSION}:
                sums[_key(event)].append(event)
        self._legs.update({key: _sum(found) for key, found in sums.items()})

    def twins(self, fills: Iterable[FileEvent]) -> Iterator[tuple[Sequence[FileEvent], bool]]:
        """Yield fills that a history told too, those of one second and pair together, and whether it agrees."""
        groups: dict[_Key, list[FileEvent]] = defaultdict(list)
        for event in fills if self._legs else ():
            groups[_key(event)].append(event)
        for key, group in groups.items():
            legs = self._legs.get(key)
            if legs is not None:
                yield group, legs == _sum(group)


def _key(event: FileEvent) -> _Key:
    one, other = sorted((event.symbol, str(event.quote)))
    return event.at, one, other


def _sum(events: Iterable[FileEvent]) -> dict[str, Decimal]:
    return net(Part(*leg) for event in events for leg in event.legs.items())
