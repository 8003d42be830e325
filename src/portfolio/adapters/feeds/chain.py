"""Several price sources, asked in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from portfolio.application.prices.ports import PriceFeed
from portfolio.application.prices.sources import FeedReport, SourceState
from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol

# Assets that go by another name now, one for one. The old pair may be quoted long after it stopped trading,
# so both names are asked for and the new one is believed first.
SUCCESSORS: Mapping[Symbol, Symbol] = {Symbol("MATIC"): Symbol("POL")}


class ChainFeed:
    """Asks the first source for all symbols at once, and each next one for those still without a price."""

    def __init__(self, sources: Mapping[str, PriceFeed], successors: Mapping[Symbol, Symbol] = SUCCESSORS) -> None:
        self._sources = dict(sources)
        self._successors = dict(successors)

    async def quotes(self, symbols: Sequence[Symbol]) -> FeedReport:
        """Return for each symbol the quote of the first source that has one, or the reasons of all."""
        quotes: dict[Symbol, Quote] = {}
        reasons: dict[Symbol, list[str]] = {symbol: [] for symbol in symbols}
        for name, source in self._sources.items():
            missing = [symbol for symbol in reasons if symbol not in quotes]
            if missing:
                await self._add(name, source, missing, quotes, reasons)
        return _report(quotes, reasons)

    async def quotes_elsewhere(self, asked: Mapping[Symbol, str]) -> FeedReport:
        """Return quotes for these symbols from the first source other than the one named beside each."""
        quotes: dict[Symbol, Quote] = {}
        reasons: dict[Symbol, list[str]] = {symbol: [] for symbol in asked}
        for name, source in self._sources.items():
            missing = [symbol for symbol, used in asked.items() if used != name and symbol not in quotes]
            if missing:
                await self._add(name, source, missing, quotes, reasons)
        return _report(quotes, reasons)

    def states(self) -> Mapping[str, SourceState]:
        """Return how each source is doing."""
        return {name: state for source in self._sources.values() for name, state in source.states().items()}

    async def _add(
        self,
        name: str,
        source: PriceFeed,
        symbols: Sequence[Symbol],
        quotes: dict[Symbol, Quote],
        reasons: dict[Symbol, list[str]],
    ) -> None:
        renamed = {symbol: self._successors[symbol] for symbol in symbols if symbol in self._successors}
        report = await source.quotes(list(dict.fromkeys([*symbols, *renamed.values()])))
        for symbol in symbols:
            successor = report.quotes.get(renamed.get(symbol, symbol))
            quote = successor or report.quotes.get(symbol)
            if quote is not None:
                quotes[symbol] = replace(quote, symbol=symbol)
            else:
                reasons[symbol].append(f"{name}: {report.failures.get(symbol, 'no answer')}")


def _report(quotes: Mapping[Symbol, Quote], reasons: Mapping[Symbol, Sequence[str]]) -> FeedReport:
    failures = {symbol: "; ".join(said) for symbol, said in reasons.items() if symbol not in quotes}
    return FeedReport(quotes=quotes, failures=failures)
