"""Several exchanges, asked in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from portfolio.application.errors import FeedFailed
from portfolio.application.prices.ports import CloseFeed, PriceFeed
from portfolio.application.prices.records import Close
from portfolio.application.prices.sources import FeedReport, Found, SourceState
from portfolio.domain.symbol import Symbol

# Assets that go by another name now, one for one. The old pair may be quoted long after it stopped trading,
# so both names are asked for and the new one is believed first.
_SUCCESSORS: Mapping[Symbol, Symbol] = {Symbol("MATIC"): Symbol("POL")}


class ChainFeed:
    """Asks the first source for all symbols at once, and each next one for those still without a price."""

    def __init__(self, sources: Mapping[str, PriceFeed]) -> None:
        self._sources = dict(sources)

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        return await self.quotes_elsewhere(dict.fromkeys(symbols, ""))

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        found: Found = {}
        reasons: dict[Symbol, list[str]] = {symbol: [] for symbol in asked}
        for name, source in self._sources.items():
            missing = [symbol for symbol, used in asked.items() if used != name and symbol not in found]
            if not missing:
                continue
            report = await source.quotes(list(dict.fromkeys(code for symbol in missing for code in _names(symbol))))
            for symbol in missing:
                quotes = [report.quotes[code] for code in _names(symbol) if code in report.quotes]
                if quotes:
                    found[symbol] = replace(quotes[0], symbol=symbol)
                else:
                    reasons[symbol].append(f"{name}: {report.failures.get(symbol, 'no answer')}")
        return FeedReport.of({**{symbol: "; ".join(said) for symbol, said in reasons.items()}, **found})

    def states(self) -> Mapping[str, SourceState]:
        return {name: state for source in self._sources.values() for name, state in source.states().items()}


class ChainCloses:
    """The closes of the first source, and of the next ones for the days that it lacks."""

    def __init__(self, sources: Sequence[CloseFeed]) -> None:
        self._sources = tuple(sources)

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> Sequence[Close]:
        closes: dict[date, Close] = {}
        errors: list[FeedFailed] = []
        for name, source in [(name, source) for name in _names(symbol) for source in self._sources]:
            if len(closes) > (end - start).days:
                break
            try:
                for close in await source.daily_closes(name, start, end):
                    closes.setdefault(close.day, replace(close, symbol=symbol))
            except FeedFailed as error:
                errors.append(error)
        if not closes:
            raise FeedFailed(
                ", ".join(dict.fromkeys(error.source for error in errors)),
                "; ".join(dict.fromkeys(error.reason for error in errors)),
            )
        return [closes[day] for day in sorted(closes)]


def _names(symbol: Symbol) -> tuple[Symbol, ...]:
    """Return what an asset is asked for by, the name to believe first at the front."""
    return (_SUCCESSORS[symbol], symbol) if symbol in _SUCCESSORS else (symbol,)
