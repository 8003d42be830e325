"""For how long what is sold was held, across splits and exchanges."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from portfolio.application.history.effective import folded
from portfolio.application.ledger.lots.movement import Movement
from portfolio.application.performance.days.holding import HoldingTimes
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.symbol import Symbol
from tests.unit.application.ledger.lot_examples import Booked, day
from tests.unit.examples import money, units

BTC, ETH = Symbol("BTC"), Symbol("ETH")


def held_days(booked: Booked) -> list[float | None]:
    """Of each sale, in the order of booking."""
    times, found = HoldingTimes(), list[float | None]()
    for entry in booked.entries:
        if not isinstance(entry, Movement):
            times.change(entry)
        elif (days := times.add(entry)) is not None or entry.closes:
            found.append(days)
    return found


def test_across_a_split_purchases_weigh_by_the_units_that_they_became() -> None:
    booked = Booked()
    booked.buy("1", "100", day(0))
    split = booked.happen(Kind.SPLIT, day(50), symbol=BTC, ratio=Decimal(10))
    booked.buy("10", "100", day(100))
    booked.sell("15", "150", day(150))  # 10 of day 0 and 10 of day 100
    booked.sell("5", "50", day(160))
    assert held_days(booked) == [100, 110]
    closings = [closing for _, of_day in sorted(folded(booked.entries).days.items()) for closing in of_day.closings]
    assert [closing.held_days for closing in closings] == [100, 110]
    again = Booked()
    again.buy("1", "100", day(0))
    split = again.happen(Kind.SPLIT, day(50), symbol=BTC, ratio=Decimal(10))
    again.take_out(split, day(60))
    again.buy("1", "100", day(100))
    again.sell("1", "100", day(150))
    assert held_days(again) == [100]


def test_of_a_split_that_was_booked_late_nothing_is_of_what_was_bought_after_it() -> None:
    booked = Booked()
    booked.buy("10", "100", day(0))
    booked.buy("50", "50", day(10))
    booked.happen(Kind.SPLIT, day(5), symbol=BTC, ratio=Decimal(10), added=units(90))
    booked.sell("150", "150", day(30))
    booked.buy("1", "1", day(40))
    booked.sell("1", "1", day(47))
    assert held_days(booked)[1] == 7
    short = Booked()
    short.sell("10", "100", day(0))
    short.happen(Kind.SPLIT, day(5), symbol=BTC, ratio=Decimal(10))
    short.buy("100", "100", day(8))
    short.happen(Kind.TRANSFER_IN, day(9), symbol=BTC, quantity=units(1), value=money(1))
    short.happen(Kind.SPLIT, day(9), symbol=BTC, ratio=Decimal(1))
    assert held_days(short) == [8]


def test_an_exchange_takes_the_time_of_purchase_along() -> None:
    booked = Booked()
    booked.buy("10", "100", day(0))
    booked.buy("10", "100", day(100), symbol="ETH")
    became = booked.happen(Kind.EXCHANGE, day(110), symbol=BTC, quantity=units(5), to_symbol=ETH, ratio=Decimal(2))
    booked.sell("4", "100", day(150), symbol="ETH")  # 10 of day 0 and 10 of day 100
    booked.sell("5", "100", day(150))
    assert held_days(booked) == [100, 150]
    booked.take_out(became, day(160))
    booked.sell("1", "100", day(200))
    assert held_days(booked)[2:] == [150]  # what comes back is of the mean of where it was: day 50


def test_what_is_transferred_out_or_lost_is_held_no_longer() -> None:
    booked = Booked()
    booked.buy("10", "100", day(0))
    out = booked.happen(Kind.TRANSFER_OUT, day(10), symbol=BTC, quantity=units(10), value=money(1))
    booked.buy("4", "100", day(100))
    booked.happen(Kind.LOSS, day(101), symbol=BTC, quantity=units(2))
    booked.buy("2", "100", day(110))
    booked.sell("2", "100", day(125))  # 2 of day 100 and 2 of day 110
    booked.take_out(out, day(130))
    booked.sell("12", "100", day(150))  # 2 of day 105 and 10 of day 0: on the average day 17.5
    assert held_days(booked) == [20, 132.5]
    came = Booked()
    came.happen(Kind.TRANSFER_IN, day(0), symbol=BTC, quantity=units(5), value=money(5))
    gone = came.happen(Kind.LOSS, day(1), symbol=BTC, quantity=units(5))
    came.take_out(gone, day(2))
    came.sell("5", "100", day(3))
    assert held_days(came) == [None]  # what was never bought is not by coming back


def test_what_was_there_before_the_books_takes_no_time_along_nor_what_others_made() -> None:
    booked = Booked()
    booked.happen(Kind.TRANSFER_IN, day(0), symbol=BTC, quantity=units(5), value=Booked().portfolio.cash)
    entry = booked.happen(Kind.EXCHANGE, day(1), symbol=BTC, quantity=units(5), to_symbol=ETH, ratio=Decimal(1))
    booked.sell("5", "10", day(2), symbol="ETH")
    assert held_days(booked) == [None]
    times = HoldingTimes()
    terms = entry.transaction.event
    assert terms is not None
    for changed in (None, replace(terms, ratio=None)):
        times.change(replace(entry, transaction=replace(entry.transaction, event=changed)))
    times.change(replace(entry, positions=entry.positions[:1]))
    assert times.add(next(one for one in booked.entries if isinstance(one, Movement))) is None


def test_a_ratio_that_others_wrote_and_that_can_be_none_takes_nothing_along() -> None:
    booked = Booked()
    booked.buy("10", "100", day(0))
    booked.buy("5", "100", day(50), symbol="ETH")
    entry = booked.happen(Kind.EXCHANGE, day(60), symbol=BTC, quantity=units(5), to_symbol=ETH, ratio=Decimal(1))
    booked.sell("5", "100", day(100), symbol="ETH")
    booked.sell("5", "100", day(100))
    terms = entry.transaction.event
    assert terms is not None
    below_zero = replace(entry, transaction=replace(entry.transaction, event=replace(terms, ratio=Decimal(-1))))
    booked.entries[booked.entries.index(entry)] = below_zero
    assert held_days(booked) == [50, 100]
