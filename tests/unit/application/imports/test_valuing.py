"""What events were worth is looked for where the files do not say it: among stored closes, and at the exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio.application.errors import FeedFailed, LedgerUnavailable
from portfolio.application.imports.steps import NoEntry, steps_of
from portfolio.application.imports.valuing import FindWorths
from portfolio.application.imports.worth import CASH, Rates, Worth, WorthUnknown
from portfolio.application.prices.records import Close
from portfolio.domain.errors import DomainError
from portfolio.domain.imports.events import Origin, Part, exchange, moved, received, single, valued
from portfolio.domain.imports.records import FileEvent, Kind
from portfolio.domain.money import Money, Price
from portfolio.domain.symbol import Symbol, is_symbol
from tests.support.fakes.fake_prices import RecordingPrices
from tests.support.import_files.random_events import units
from tests.support.imports import NOW, StoppedClock

DAY = date(2022, 3, 1)


def at(day: date) -> Origin:
    return Origin((1,), datetime(day.year, day.month, day.day, 10, tzinfo=UTC))


def reward(symbol: str, day: date = DAY) -> list[FileEvent]:
    return list(received(at(day), Kind.REWARD, Part(symbol, Decimal(2))))


def swap(day: date = DAY) -> list[FileEvent]:
    return list(exchange(at(day), Part("BTC", Decimal(-1)), Part("ETH", Decimal(20))))


def close(symbol: str, day: date, price: str) -> Close:
    return Close(symbol=Symbol(symbol), day=day, price=Price(Decimal(price)), source="stored")


class Candles:
    """An exchange that has the closes of some assets, 7 dollars on each day, and remembers what it was asked."""

    def __init__(self, *symbols: str, silent: bool = False, lacking: Sequence[date] = ()) -> None:
        self.has, self.silent, self.lacking = {Symbol(one) for one in symbols}, silent, lacking
        self.asked: list[tuple[str, date, date]] = []

    async def daily_closes(self, symbol: Symbol, start: date, end: date) -> list[Close]:
        """Return the closes."""
        self.asked.append((symbol.code, start, end))
        if self.silent:
            await asyncio.Event().wait()
        if symbol not in self.has:
            raise FeedFailed("candles", "no such product")
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        price = Price(Decimal(7))
        return [Close(symbol=symbol, day=d, price=price, source="candles") for d in days if d not in self.lacking]


def find(prices: RecordingPrices, feed: Candles | None, seconds: float = 60.0) -> FindWorths:
    return FindWorths(prices, StoppedClock(), feed, seconds)


async def test_closes_that_are_not_stored_are_fetched_in_one_span_and_kept_for_the_next_time() -> None:
    prices, feed = RecordingPrices(), Candles("SOL")
    prices.kept = [close("SOL", DAY + timedelta(days=1), "90")]
    events = [*reward("SOL"), *reward("SOL", DAY + timedelta(days=1)), *reward("SOL", DAY + timedelta(days=3))]
    worth = await find(prices, feed)(events, {})
    assert feed.asked == [("SOL", DAY, DAY + timedelta(days=3))]
    assert [worth("SOL", Decimal(2), one.at).value for one in events] == [14, 180, 14]
    # what was stored is not replaced, and the days between are kept too
    assert [(one.day.day, one.source) for one in prices.kept] == [
        (2, "stored"),
        (1, "candles"),
        (3, "candles"),
        (4, "candles"),
    ]
    again = await find(prices, feed)(events, {})
    assert again.closes == worth.closes
    assert len(feed.asked) == 1


async def test_a_span_is_no_longer_than_an_exchange_answers_at_once() -> None:
    feed, days = Candles("SOL"), [DAY, DAY + timedelta(days=299), DAY + timedelta(days=300), DAY + timedelta(days=800)]
    await find(RecordingPrices(), feed)([event for day in days for event in reward("SOL", day)], {})
    assert [(first, last) for _, first, last in feed.asked] == [
        (days[0], days[1]),
        (days[2], days[2]),
        (days[3], days[3]),
    ]


async def test_how_many_were_fetched_is_told() -> None:
    said: list[tuple[str, int, int]] = []
    events = [*reward("SOL"), *reward("NONE")]
    await find(RecordingPrices(), Candles("SOL"))(events, {}, tell=lambda *words: said.append(words))
    assert said == [("fetching closes", 1, 2), ("fetching closes", 2, 2)]


async def test_nothing_is_asked_for_what_needs_no_value() -> None:
    feed = Candles()
    trade = exchange(at(DAY), Part("BTC", Decimal(1)), Part("USDT", Decimal(-40_000)), [Part("BTC", Decimal("0.1"))])
    told = valued(reward("SOL"), [(Part("SOL", Decimal(2)), Decimal(180), "USD")])
    loss = single(at(DAY), Kind.FEE, Part("ETH", Decimal(-1)))
    events = [*trade, *told, *loss, *moved(at(DAY), Part("USD", Decimal(5)))]
    assert (await find(RecordingPrices(), feed)(events, {})).closes == {}
    assert feed.asked == []
    # the fee in another asset is sold for its value, and what may have been held before had a cost
    third = exchange(at(DAY), Part("BTC", Decimal(1)), Part("USDT", Decimal(-9)), [Part("BNB", Decimal("0.1"))])
    await find(RecordingPrices(), feed)([*events, *third], {}, opening=True)
    assert {symbol for symbol, *_ in feed.asked} == {"BNB", "ETH"}


async def test_what_a_file_says_of_another_asset_does_not_say_what_came() -> None:
    feed = Candles("SOL")
    events = list(valued(reward("SOL"), [(Part("BNB", Decimal(1)), Decimal(300), "USD")]))
    worth = await find(RecordingPrices(), feed)(events, {})
    assert feed.asked == [("SOL", DAY, DAY)]
    assert worth("SOL", Decimal(2), events[0].at).value == 14  # at 7 dollars


async def test_a_fee_in_another_asset_is_not_asked_for_where_the_file_says_its_worth() -> None:
    feed, fee = Candles("BNB"), Part("BNB", Decimal("0.1"))
    third = exchange(at(DAY), Part("BTC", Decimal(1)), Part("USDT", Decimal(-40_000)), [fee])
    await find(RecordingPrices(), feed)(list(valued(third, [(fee, Decimal(30), "USD")])), {})
    assert feed.asked == []


async def test_of_a_swap_the_other_side_is_asked_for_only_where_nobody_knows_the_first() -> None:
    feed = Candles("BTC", "ETH")
    await find(RecordingPrices(), feed)(swap(), {})
    assert [symbol for symbol, *_ in feed.asked] == ["BTC"]
    feed = Candles("ETH")
    worth = await find(RecordingPrices(), feed)(swap(), {})
    assert [symbol for symbol, *_ in feed.asked] == ["BTC", "ETH"]
    assert worth("ETH", Decimal(20), NOW.replace(year=2022, month=3, day=1)).value == 140


async def test_rates_count_where_no_exchange_has_a_close() -> None:
    rates = {(DAY, "BTC"): Decimal(40_000), (DAY, "SOL"): Decimal(90)}
    worth = await find(RecordingPrices(), Candles("SOL"))([*reward("SOL"), *swap()], rates)
    assert worth("SOL", Decimal(1), NOW.replace(year=2022, month=3, day=1)).value == 7
    assert worth("BTC", Decimal(1), NOW.replace(year=2022, month=3, day=1)).value == 40_000
    without = await find(RecordingPrices(), None)([*reward("SOL"), *swap()], rates)
    assert without("SOL", Decimal(1), NOW.replace(year=2022, month=3, day=1)).value == 90


@pytest.mark.parametrize(
    ("feed", "why"),
    [
        (Candles(), "candles: no such product"),
        (Candles("SOL", lacking=[DAY]), "no exchange has its close of that day"),
        (Candles("SOL", silent=True), "no exchange answered within 0.01 s"),
    ],
)
async def test_who_has_no_close_is_said(feed: Candles, why: str) -> None:
    [event] = reward("SOL")
    worth = await find(RecordingPrices(), feed, 0.01 if feed.silent else 60.0)([event], {})
    with pytest.raises(WorthUnknown, match=rf"what SOL was worth on 2022-03-01 \(.*{why}\): state it with"):
        worth("SOL", Decimal(2), event.at)


async def test_the_day_that_is_not_over_has_no_close() -> None:
    feed = Candles("SOL")
    [event] = reward("SOL", NOW.date())
    worth = await find(RecordingPrices(), feed)([event], {})
    assert feed.asked == []
    with pytest.raises(WorthUnknown, match="on 2026-06-01: state it with --rates"):
        worth("SOL", Decimal(2), event.at)


async def test_a_code_that_the_ledger_has_not_is_not_asked_for_and_a_database_that_is_away_is_no_feed() -> None:
    feed, prices = Candles("SOL"), RecordingPrices()
    await find(prices, feed)(reward("A" * 21), {})
    assert feed.asked == []
    prices.error = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await find(prices, feed)(reward("SOL"), {})


class Asking:
    """Notes what nobody looked for yet, and says a dollar."""

    def __init__(self, sought: set[tuple[date, str]], wanted: set[tuple[date, str]], stored: Rates) -> None:
        self.sought, self.wanted, self.known = sought, wanted, Worth({}, stored)

    def __call__(self, symbol: str, quantity: Decimal, moment: datetime) -> Money:
        """Return what it was worth."""
        if (moment.date(), symbol) in self.sought:
            return self.known(symbol, quantity, moment)
        self.wanted.add((moment.date(), symbol))
        return Money(Decimal(1))


def asked_one_by_one(events: Sequence[FileEvent], stored: Rates, *, opening: bool) -> set[tuple[date, str]]:
    """Return what a look at each event, again and again, asks for."""
    sought: set[tuple[date, str]] = set()
    while True:
        wanted: set[tuple[date, str]] = set()

        for event in events:
            with suppress(NoEntry, WorthUnknown, DomainError):
                steps_of(event, Asking(sought, wanted, stored))
            if opening and event.kind is not Kind.TRADE:
                wanted |= {(event.at.date(), symbol) for symbol, change in event.legs.items() if change < 0}
        wanted = {key for key in wanted if key not in sought and key[1] not in CASH and is_symbol(key[1])}
        if not wanted:
            return sought
        sought |= wanted


@given(
    st.lists(units(), max_size=6),
    st.lists(st.sampled_from(["BTC", "ETH", "BNB", "EUR", "GBP"]), unique=True),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_what_is_needed_is_looked_for_and_nothing_else(
    listed: list[list[FileEvent]], known: list[str], opening: bool
) -> None:
    events = [event for together in listed for event in together]
    stored = {(day, symbol): Decimal(7) for day in (DAY - timedelta(days=1), DAY) for symbol in known}
    prices = RecordingPrices()
    prices.kept = [close(symbol, day, "7") for day, symbol in stored]
    found = asyncio.run(find(prices, None)(events, {}, opening=opening))
    asked = asked_one_by_one(events, stored, opening=opening)
    assert found.closes == {key: price for key, price in stored.items() if key in asked}
