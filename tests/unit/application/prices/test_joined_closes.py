"""Statistics are of closes that are joined across splits and renames; bookings read none of them anew."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from portfolio.analytics.closes import Join, NotJoined
from portfolio.application.announcer import Announcement
from portfolio.application.errors import LedgerUnavailable
from portfolio.application.ledger.announcements import CashMoved, TradeBooked
from portfolio.application.ledger.cash_records import CashEntry
from portfolio.application.ledger.records import Revisions, TradeEntry, TradeRequest
from portfolio.application.prices.closes import Closes, ReadCloses
from portfolio.application.prices.joined_closes import JoinedCloses, became, carried
from portfolio.application.prices.joins import Joins, ReadJoins, joins_of, moments_of
from portfolio.application.prices.records import Close
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.mark import ASSUMED_RATE
from portfolio.domain.prices.quote import SIMULATED_SOURCE
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_books import Books
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_stores import FakeLeases, FakePriceStore
from tests.unit.application.ledger.lot_examples import Booked
from tests.unit.examples import RULES, bought, price, units

TODAY = NOON.date()
MATIC, POL = Symbol("MATIC"), Symbol("POL")


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def at(days: int) -> datetime:
    return datetime.combine(ago(days), datetime.min.time(), UTC) + timedelta(hours=9)


def booked_of(*happened: tuple[Kind, int, dict[str, Any]]) -> Booked:
    """Books with 1000 of MATIC and of SHIB, to which something happened, days ago."""
    booked = Booked()
    for symbol in ("MATIC", "SHIB"):
        booked.buy("1000", "500", at(300), symbol=symbol)
    for kind, days, stated in happened:
        booked.happen(kind, at(days), **stated)
    return booked


def events_of(booked: Booked) -> list[CashEntry]:
    return [entry for entry in booked.entries if isinstance(entry, CashEntry)]


def renamed(days: int, quantity: str = "1000", **stated: Any) -> tuple[Kind, int, dict[str, Any]]:
    what = {"symbol": MATIC, "quantity": units(quantity), "to_symbol": POL} | stated
    return Kind.EXCHANGE, days, what if "to_quantity" in stated else {"ratio": Decimal(1), **what}


def split(days: int, ratio: str = "1000", symbol: str = "SHIB") -> tuple[Kind, int, dict[str, Any]]:
    return Kind.SPLIT, days, {"symbol": Symbol(symbol), "ratio": Decimal(ratio)}


# --- what the entries say ---------------------------------------------------------------------------------------------


def test_splits_and_renames_are_told_in_the_order_in_which_they_happened() -> None:
    booked = booked_of(split(5), renamed(9), split(2, "0.5", "POL"))
    assert joins_of(events_of(booked)) == (
        Join("POL", "MATIC", Decimal(1), ago(9)),
        Join("SHIB", "SHIB", Decimal(1000), ago(5)),
        Join("POL", "POL", Decimal("0.5"), ago(2)),
    )


def test_what_was_taken_out_is_none() -> None:
    booked = booked_of(renamed(9), split(5))
    booked.take_out(events_of(booked)[0], at(1))
    assert joins_of(events_of(booked)) == (Join("SHIB", "SHIB", Decimal(1000), ago(5)),)


def test_a_rename_in_parts_is_one_of_the_day_of_the_first() -> None:
    booked = booked_of(renamed(7, "400"), renamed(9, "500"), renamed(3, "100", to_quantity=units("99.9")))
    assert joins_of(events_of(booked)) == (Join("POL", "MATIC", Decimal(1), ago(9)),)


def test_exchanges_at_one_ratio_and_then_another_are_of_no_fixed_ratio() -> None:
    booked = booked_of(renamed(9, "400"), renamed(3, "100", to_quantity=units("98")))
    found = joins_of(events_of(booked))
    assert found == (Join("POL", "MATIC", Decimal(1), ago(9), NotJoined.RATIOS_DIFFER),)
    assert (Joins(1, found).of(["POL"]).found, Joins(1, found).became(["MATIC"])) == (found, set())


def test_a_split_that_was_booked_twice_on_a_day_is_one_and_on_two_days_they_are_two() -> None:
    booked = booked_of(split(9), split(9), split(5), split(5, "2"))
    found = joins_of(events_of(booked))
    assert [(one.on, str(one.ratio)) for one in found] == [(ago(9), "1000"), (ago(5), "1000"), (ago(5), "2")]


@pytest.mark.parametrize(("label", "is_rename"), [(None, True), ("rename", True), ("wrap", False), ("bridge", False)])
def test_what_was_wrapped_or_bridged_is_another_asset(label: str | None, *, is_rename: bool) -> None:
    assert bool(joins_of(events_of(booked_of(renamed(9, label=label))))) is is_rename


def test_what_others_made_of_the_rows_is_none() -> None:
    [entry] = events_of(booked_of(renamed(9)))
    terms = entry.transaction.event
    assert terms is not None
    for ratio in (None, Decimal(0), Decimal(-1)):
        changed = replace(entry.transaction, event=replace(terms, ratio=ratio))
        assert joins_of([replace(entry, transaction=changed)]) == ()
    assert joins_of([replace(entry, positions=entry.positions[:1])]) == ()
    assert joins_of([replace(entry, transaction=replace(entry.transaction, event=None))]) == ()


# --- what is read -----------------------------------------------------------------------------------------------------


class Changes:
    """The splits and exchanges of books, and which revisions they were asked for after."""

    def __init__(self, booked: Booked) -> None:
        self.booked = booked
        self.asked: list[int] = []
        self.is_away = False

    async def splits_and_exchanges(self, _: int, *, after: int) -> Sequence[CashEntry]:
        self.asked.append(after)
        if self.is_away:
            raise LedgerUnavailable("away")
        return [entry for entry in events_of(self.booked) if entry.revision > after]

    def told(self) -> list[Announcement]:
        """What was announced of all entries."""
        return [
            CashMoved(entry) if isinstance(entry, CashEntry) else TradeBooked(entry.id, trade_entry(entry.revision))
            for entry in self.booked.entries
        ]


def trade_entry(revision: int) -> TradeEntry:
    _, trade = Portfolio(id=1).book(bought("BTC", 1, 1), RULES, override=True)
    return TradeEntry(trade=trade, request=TradeRequest(owner=""), portfolio_id=1, revision=revision, booked_at=NOON)


async def test_the_ledger_is_asked_once_and_then_only_for_what_nobody_announced() -> None:
    changes = Changes(booked_of(split(5)))
    read = ReadJoins(changes, 1)
    first = await read(3)
    assert (len(first.found), changes.asked) == (1, [0])
    assert await read(3) is first
    changes.booked.buy("1", "1", at(1))
    changes.booked.happen(*renamed(4)[:1], at(4), **renamed(4)[2])
    for event in changes.told():
        read.take_notice(event)
    read.take_notice(Announcement())
    assert (len((await read(5)).found), changes.asked) == (2, [0])
    assert (await read(5)).version == first.version + 1
    # of what another process booked the database is asked, and what changes no units changes nothing
    changes.booked.buy("1", "1", at(1))
    version = (await read(5)).version
    assert ((await read(6)).version, changes.asked) == (version, [0, 5])


async def test_a_ledger_that_was_put_back_is_read_anew_and_what_is_newer_than_the_books_waits() -> None:
    changes = Changes(booked_of(split(5), renamed(4)))
    read = ReadJoins(changes, 1)
    assert len((await read(4)).found) == 2
    assert len((await read(3)).found) == 1
    assert changes.asked == [0, 0]


async def test_what_is_announced_is_kept_up_to_a_bound() -> None:
    changes = Changes(booked_of(split(5)))
    read = ReadJoins(changes, 1)
    for revision in range(1, 1_100):
        read.take_notice(TradeBooked(revision, trade_entry(revision)))
    await read(2_000)
    assert changes.asked == [1_000]


def test_only_what_an_asset_hangs_on_is_of_it() -> None:
    found = joins_of(events_of(booked_of(renamed(9), split(5), split(2, "2", "POL"))))
    joins = Joins(7, found)
    assert [one.symbol for one in joins.of(["POL"]).found] == ["POL", "POL"]
    assert (joins.of(["MATIC", "BTC"]).found, joins.of(["SHIB"]).version) == ((), 7)
    assert (joins.became(["MATIC"]), joins.became(["POL", "SHIB"]), joins.became(["BTC"])) == ({"POL"}, set(), set())


# --- the closes -------------------------------------------------------------------------------------------------------


class CountingStore(FakePriceStore):
    """A price store that counts what is read of it."""

    def __init__(self) -> None:
        portfolio = Portfolio(id=1, revision=1)
        super().__init__(FakeLedger(Books(portfolio=portfolio, adopted=True)), FakeLeases())
        self.read: list[set[str]] = []

    async def closes(self, symbols: Collection[Symbol], *, since: date, until: date) -> Sequence[Close]:
        self.read.append({symbol.code for symbol in symbols})
        return await super().closes(symbols, since=since, until=until)


class Scene:
    """Closes of an asset that became another, and of one that was split, both at a known path."""

    def __init__(self, booked: Booked, deadline_seconds: float = 5.0) -> None:
        self.changes, self.store = Changes(booked), CountingStore()
        self.raw = ReadCloses(self.store, FakeClock())
        self.joins = ReadJoins(self.changes, 1)
        self.closes = JoinedCloses(self.raw, self.joins, deadline_seconds=deadline_seconds)
        self.revision = booked.portfolio.revision

    async def add(self, symbol: str, closes: dict[int, str], source: str = "coinbase") -> None:
        await self.store.add_closes(
            [Close(symbol=Symbol(symbol), day=ago(days), price=price(at), source=source) for days, at in closes.items()]
        )

    async def __call__(self, *symbols: str, asks: bool = True, days: int = 5, prices: int = 1) -> Closes:
        revisions = Revisions(ledger=self.revision, prices=prices)
        return await self.closes(symbols, days, today=TODAY, revisions=revisions, asks=asks)


def last(closes: Closes, symbol: str) -> list[float]:
    return [float(x) for x in closes.history.closes[:, closes.history.symbols.index(symbol)]]


async def scene_of(*happened: tuple[Kind, int, dict[str, Any]]) -> Scene:
    scene = Scene(booked_of(*happened))
    await scene.add("MATIC", {6: "1", 5: "1.1", 4: "1.2"})
    await scene.add("POL", {3: "1.25", 2: "1.3", 1: "1.35"})
    await scene.add("SHIB", {6: "8000", 5: "8100", 4: "8.2", 3: "8.3", 2: "8.4", 1: "8.5"})
    return scene


async def test_closes_are_those_of_what_the_asset_was_before_and_it_is_told() -> None:
    scene = await scene_of(renamed(3), split(4))
    found = await scene("POL", "SHIB")
    assert found.history.symbols == ("POL", "SHIB")
    assert last(found, "POL") == [1.0, 1.1, 1.2, 1.25, 1.3, 1.35]
    assert last(found, "SHIB") == [8.0, 8.1, 8.2, 8.3, 8.4, 8.5]
    assert found.joined_history == (
        Join("SHIB", "SHIB", Decimal(1000), ago(4)),
        Join("POL", "MATIC", Decimal(1), ago(3)),
    )
    np.testing.assert_allclose(found.history.returns[:, 1], [1 / 80, 1 / 81, 1 / 82, 1 / 83, 1 / 84], atol=1e-12)
    assert (found.is_current, found.is_known) == (True, True)
    # the closes as they are: what a past day was worth is of these
    raw = await scene.raw(["POL", "SHIB"], 5, today=TODAY, price_revision=1)
    assert last(raw, "SHIB")[:2] == [8000.0, 8100.0]
    assert np.isnan(last(raw, "POL")[:3]).all()
    assert raw.joined_history == ()


async def test_a_split_of_what_the_asset_was_before_counts_too() -> None:
    scene = Scene(booked_of(split(5, "10", "MATIC"), renamed(3, "10000")))
    await scene.add("MATIC", {6: "10", 5: "1.1", 4: "1.2"})
    await scene.add("POL", {3: "1.25", 2: "1.3", 1: "1.35"})
    found = await scene("POL")
    assert last(found, "POL") == [1.0, 1.1, 1.2, 1.25, 1.3, 1.35]
    assert [join.from_symbol for join in found.joined_history] == ["MATIC", "MATIC"]


async def test_what_an_asset_became_is_read_with_it_and_quantities_are_carried_on() -> None:
    scene = Scene(booked_of(split(5, "10", "MATIC"), renamed(3, "10000"), split(2, "2", "POL")))
    await scene.add("MATIC", {6: "10", 5: "1.1", 4: "1.2"})
    await scene.add("POL", {3: "1.25", 2: "0.65", 1: "0.675"})
    scene.closes = JoinedCloses(scene.raw, scene.joins, follows=True)
    found = await scene("MATIC")
    assert found.history.symbols == ("MATIC", "POL")
    held = {"MATIC": Decimal(3), "POL": Decimal("0.5"), "BTC": Decimal(7)}
    for since, wanted in ((6, "61"), (5, "7"), (4, "7"), (3, "1")):
        after = carried(held, ago(since), found.borne_out)
        left = {"MATIC": Decimal(3)} if since == 3 else {}
        assert after == {"BTC": Decimal(7), "POL": Decimal(wanted), **left}, since


async def test_what_an_asset_became_stands_among_the_others_in_the_order_of_symbols() -> None:
    scene = Scene(booked_of(renamed(3, to_symbol=Symbol("AGG"))))
    scene.closes = JoinedCloses(scene.raw, scene.joins, follows=True)
    assert (await scene("BTC", "MATIC")).history.symbols == ("AGG", "BTC", "MATIC")


def test_quantities_that_are_carried_on_are_those_of_the_ledger() -> None:
    third = Join("POL", "MATIC", Decimal("0.333333333333333333"), ago(2))
    # 0.1666666666666666665, half even
    assert carried({"MATIC": Decimal("0.5")}, ago(4), [third]) == {"POL": Decimal("0.166666666666666666")}


async def test_what_the_closes_do_not_bear_out_is_told_with_the_reason() -> None:
    scene = Scene(booked_of(split(4), renamed(3, "400"), renamed(2, "100", to_quantity=units("50"))))
    await scene.add("MATIC", {6: "1", 5: "1.1", 4: "1.2"}, f"coinbase{ASSUMED_RATE}")
    await scene.add("POL", {3: "1.25", 2: "1.3", 1: "1.35"})
    await scene.add("SHIB", {6: "8.0", 5: "8.1", 4: "8.2", 3: "8.3", 2: "8.4", 1: "8.5"})  # restated
    found = await scene("POL", "SHIB")
    assert found.unjoined_history == (
        Join("SHIB", "SHIB", Decimal(1000), ago(4), NotJoined.NO_JUMP),
        Join("POL", "MATIC", Decimal(1), ago(3), NotJoined.RATIOS_DIFFER),
    )
    assert (found.joined_history, found.borne_out, found.assumed_rate_history) == ((), (), [])
    assert (last(found, "SHIB")[0], scene.store.read) == (8.0, [{"POL", "SHIB"}])
    other = Scene(booked_of(renamed(3)))
    await other.add("MATIC", {6: "10"}, f"coinbase{ASSUMED_RATE}")
    await other.add("POL", {3: "1.25"})
    found = await other("POL")
    assert [join.reason for join in found.unjoined_history] == [NotJoined.PRICES_APART]
    assert (found.assumed_rate_history, np.isnan(last(found, "POL")[0])) == ([], True)


def test_before_a_split_of_the_same_day_a_unit_is_one_of_the_day_before() -> None:
    booked = booked_of(split(5), split(3, "10", "MATIC"))
    booked.take_out(events_of(booked)[1], at(1))
    booked.happen(Kind.SPLIT, at(5) + timedelta(hours=1), symbol=Symbol("SHIB"), ratio=Decimal(2))
    kind, days, stated = renamed(2)
    booked.happen(kind, at(days), **stated)
    events = events_of(booked)
    joins = Joins(1, joins_of(events), moments_of(events))
    just_before = at(5) - timedelta(seconds=1)
    assert [joins.day_of_units("SHIB", one) for one in (just_before, at(5), at(6))] == [ago(6), ago(5), ago(6)]
    assert joins.day_of_units("MATIC", just_before) == ago(5)
    # what was taken out changed nothing, and a rename changes what was renamed
    early = {days: at(days) - timedelta(hours=1) for days in (3, 2)}
    assert [joins.day_of_units("MATIC", early[days]) for days in (3, 2)] == [ago(3), ago(3)]
    assert joins.day_of_units("POL", early[2]) == ago(2)


def test_a_unit_is_followed_through_splits_and_renames_the_newest_asset_first() -> None:
    joins = joins_of(
        events_of(booked_of(split(7, "10", "MATIC"), renamed(5, "10000", ratio=Decimal(3)), split(2, "4", "POL")))
    )
    of = [[(code, int(units)) for code, units in became("MATIC", ago(9), ago(until), joins)] for until in (8, 7, 5, 2)]
    assert of[:2] == [[("MATIC", 1)], [("MATIC", 10)]]
    # one MATIC was 10, which were 30 POL and then 120
    assert of[2:] == [[("POL", 30), ("MATIC", 10)], [("POL", 120), ("MATIC", 10)]]
    assert became("POL", ago(2), ago(1), joins) == [("POL", Decimal(1))]


def test_a_unit_that_is_still_called_by_an_old_name_is_followed_as_well_after_its_own() -> None:
    joins = joins_of(
        events_of(booked_of(renamed(5, "500", ratio=Decimal(3)), split(2, "4", "POL"), split(1, "10", "MATIC")))
    )
    of = [[(code, int(units)) for code, units in became("MATIC", ago(4), ago(until), joins)] for until in (4, 2, 1)]
    # the 3 POL of one MATIC were 12 after the split of POL; those who trade on with MATIC had 10 of it
    assert of == [[("MATIC", 1), ("POL", 3)], [("MATIC", 1), ("POL", 12)], [("MATIC", 10), ("POL", 12)]]
    back = [replace(join, symbol=join.from_symbol, from_symbol=join.symbol) for join in joins[:1]]
    assert [code for code, _ in became("MATIC", ago(5), ago(5), [*joins, *back])] == ["MATIC", "POL"]


async def test_what_did_not_change_its_units_is_read_as_it_is() -> None:
    scene = await scene_of(renamed(3))
    assert await scene("SHIB") is await scene.raw(["SHIB"], 5, today=TODAY, price_revision=1)
    assert scene.store.read == [{"SHIB"}]


async def test_a_booking_reads_no_close_anew_and_an_event_changes_what_was_read() -> None:
    scene = await scene_of()
    before = await scene("SHIB")
    assert last(before, "SHIB")[0] == 8000.0
    scene.changes.booked.buy("1", "1", at(1))
    scene.revision += 1
    assert await scene("SHIB") is before
    entry = scene.changes.booked.happen(Kind.SPLIT, at(4), **split(4)[2])
    scene.revision += 1
    after = await scene("SHIB")
    assert (last(after, "SHIB")[0], len(after.joined_history)) == (8.0, 1)
    assert after.derived is not before.derived
    assert await scene("SHIB") is after
    scene.changes.booked.take_out(entry, at(0))
    scene.revision += 1
    assert await scene("SHIB") is before
    assert scene.store.read == [{"SHIB"}]


async def test_real_and_simulated_closes_are_joined_apart() -> None:
    scene = await scene_of(renamed(3))
    await scene.add("MATIC", {5: "70"}, SIMULATED_SOURCE)
    await scene.add("POL", {3: "80"}, SIMULATED_SOURCE)
    found = await scene("POL")
    assert (found.simulated_history, found.mixed_history) == (False, ["POL"])
    # a store has one close a day: those two days have no real one
    np.testing.assert_array_equal(last(found, "POL"), [1.0, np.nan, 1.2, np.nan, 1.3, 1.35])


async def test_an_assumed_rate_of_what_it_was_before_is_named() -> None:
    scene = await scene_of(renamed(3))
    assert (await scene("POL")).assumed_rate_history == []
    scene = Scene(scene.changes.booked)
    await scene.add("MATIC", {6: "1"}, f"coinbase{ASSUMED_RATE}")
    await scene.add("POL", {3: "1.25"})
    assert (await scene("POL")).assumed_rate_history == ["POL"]


async def test_with_the_database_away_the_last_ones_seen_are_joined_and_told_to_be_old() -> None:
    scene = await scene_of(renamed(3))
    await scene("POL")
    scene.changes.is_away = True
    scene.revision += 1
    found = await scene("POL")
    assert (found.is_current, len(found.joined_history), last(found, "POL")[0]) == (False, 1, 1.0)
    assert not (await scene("POL", asks=False)).is_current


async def test_a_ledger_that_does_not_answer_in_time_holds_nobody_up() -> None:
    scene = Scene(booked_of(renamed(3)), deadline_seconds=0.01)

    async def hang(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    scene.changes.splits_and_exchanges = hang  # type: ignore[method-assign]  # the database does not answer
    assert not (await scene("POL")).is_current
