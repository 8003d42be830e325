"""Daily closes from several sources, asked in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from portfolio.adapters.feeds.chain import SUCCESSORS
from portfolio.application.errors import FeedFailed
from portfolio.application.prices.ports import CloseFeed
from portfolio.application.prices.records import Close
from portfolio.domain.symbol import Symbol


class ChainCloses:
    """The closes of the first source, and of the next ones for the days that it lacks."""

    def __init__(self, sources: Sequence[CloseFeed], successors: Mapping[Symbol, Symbol] = SUCCESSORS) -> None:
        self._sources = tuple(sources)
        self._successors = dict(successors)

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        """Return the closes of the days from ``start`` to ``end``, oldest first; days nobody has are absent.

        An asset that goes by another name now is asked for by both, the new one first.

        Raises:
            FeedFailed: no source has any of these days.
        """
        closes: dict[date, Close] = {}
        errors: list[FeedFailed] = []
        names = [self._successors[symbol], symbol] if symbol in self._successors else [symbol]
        for name in names:
            for source in self._sources:
                if len(closes) > (end - start).days:
                    break
                try:
                    for close in await source.daily_closes(name, start, end):
                        closes.setdefault(
                            close.day,
                            Close(symbol=symbol, day=close.day, price=close.price, source=close.source),
                        )
                except FeedFailed as error:
                    errors.append(error)
        if not closes:
            raise FeedFailed(
                ", ".join(dict.fromkeys(error.source for error in errors)),
                "; ".join(dict.fromkeys(error.reason for error in errors)),
            )
        return [closes[day] for day in sorted(closes)]
