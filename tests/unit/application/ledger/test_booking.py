"""Exactly once with a key, whole or not at all, and nothing forgotten that was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import KeyReused, LedgerUnavailable, OutcomeUnknown
from portfolio.application.ledger.records import BookingKey, BookTrade
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.fakes.fake_lookups import FakeLookups
from tests.support.fakes.fake_probe import FakeProbe
from tests.unit.application.ledger.booking_examples import Book, accepted, booking, opened, refused, replayed, wish
from tests.unit.examples import RULES, bought, execution, money, sold, units

BUY = bought("BTC", "0.1", 45_000, fees="22.5")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def ledger(clock: FakeClock) -> FakeLedger:
    return await opened(clock)


@pytest.fixture
def book(ledger: FakeLedger, clock: FakeClock) -> Book:
    return booking(ledger, clock)


async def test_a_booking_answers_with_the_state_right_after_it(book: Book, ledger: FakeLedger) -> None:
    [first, second] = await book([wish(BUY, "a"), wish(sold("BTC", "0.04", 50_000), "b")])
    assert accepted(first).cash == money("95477.5")
    assert accepted(first).position.quantity == units("0.1")
    # 4500 of 95477.5 + 4500
    assert accepted(first).allocation_percent == Decimal("4.501013")
    assert accepted(second).realized_pnl == money(2_000 - 1_809)  # 40 % of 4522.5
    assert accepted(second).cash == money("97477.5")
    assert (await ledger.load(1)).cash == money("97477.5")
    assert [accepted(r).trade_id for r in (first, second)] == [1, 2]


async def test_a_position_over_a_quarter_of_the_value_is_said_to_be_over_concentrated(book: Book) -> None:
    [at, over] = await book([wish(bought("BTC", 1, 25_000)), wish(bought("ETH", 1, "25000.01"))])
    assert not accepted(at).over_concentrated  # 25 % is the limit
    assert accepted(over).over_concentrated


async def test_the_same_key_and_booking_is_booked_once_and_answered_alike(
    book: Book, ledger: FakeLedger, clock: FakeClock
) -> None:
    [original] = await book([wish(BUY, "a")])
    await book([wish(sold("BTC", "0.1", 45_000))])
    clock.advance(10**8)
    before = ledger.books
    [copy] = await book([wish(BUY, "a")])
    assert replayed(copy)
    assert accepted(copy) == accepted(original)
    assert ledger.books == before


async def test_a_booking_whose_outcome_is_gone_is_a_replay_and_has_it_again(book: Book, ledger: FakeLedger) -> None:
    [first] = await book([wish(BUY, "a")])
    ledger.books.outcomes.clear()
    [again] = await book([wish(BUY, "a")])
    assert replayed(again)
    assert accepted(again).trade_id == accepted(first).trade_id
    assert (len(ledger.books.trades), len(ledger.books.outcomes)) == (1, 1)
    assert (await VerifyBooks(ledger)(1)).lost == []


async def test_the_same_booking_written_differently_is_the_same(book: Book) -> None:
    await book([wish(BUY, "a")])
    [copy] = await book([wish(bought("BTC", "0.100", "45000.0", net="4500.000", fees="22.50"), "a")])
    assert replayed(copy)


@pytest.mark.parametrize("engine", [None, "grid-bot"])
async def test_who_adopts_what_an_open_service_booked_is_answered_as_if_it_were_his_own(
    book: Book, ledger: FakeLedger, engine: str | None
) -> None:
    [before] = await book([replace(wish(BUY, "a", owner=engine or ""), engine=engine)])
    adopting = replace(wish(BUY, "a", owner="alice"), engine=engine, adopts_open=True)
    [copy] = await book([adopting])
    assert (replayed(copy), accepted(copy).trade_id) == (True, accepted(before).trade_id)
    assert isinstance((await book([replace(adopting, notes="another")]))[0], KeyReused)
    # Of another engine it was never, and without adopting it is another owner's.
    other = replace(adopting, engine="other")
    [stranger, elsewhere] = await book([replace(adopting, adopts_open=False), replace(other, owner="carol")])
    assert [replayed(result) for result in (stranger, elsewhere)] == [False, False]
    assert accepted(stranger).possible_duplicate_of == accepted(before).trade_id
    assert len(ledger.books.trades) == 3


async def test_who_adopts_books_what_is_new_and_needs_no_key(book: Book) -> None:
    adopting = replace(wish(BUY, "new", owner="alice"), adopts_open=True)
    results = await book([adopting, adopting, replace(adopting, client_trade_id=None)])
    assert [replayed(result) for result in results] == [False, True, False]


async def test_a_copy_in_the_same_transaction_is_a_replay(book: Book, ledger: FakeLedger) -> None:
    results = await book([wish(BUY, "a"), wish(BUY, "a"), wish(BUY, "b"), wish(BUY, "a")])
    assert [replayed(r) for r in results] == [False, True, False, True]
    assert [accepted(r).trade_id for r in results] == [1, 1, 2, 1]
    assert (await ledger.load(1)).trade_counts.trades == 2


@pytest.mark.parametrize(
    "other",
    [
        bought("BTC", "0.2", 45_000, fees="22.5"),
        bought("ETH", "0.1", 45_000, fees="22.5"),
        bought("BTC", "0.1", 45_001, fees="22.5"),
        bought("BTC", "0.1", 45_000, net=4_501, fees="22.5"),
        bought("BTC", "0.1", 45_000),
        sold("BTC", "0.1", 45_000, fees="22.5"),
        replace(BUY, fees_included=True),
    ],
    ids=["quantity", "symbol", "price", "net_amount", "fees", "side", "fees_included"],
)
async def test_the_same_key_for_another_booking_changes_nothing(book: Book, ledger: FakeLedger, other: Any) -> None:
    another = wish(other, "a")
    [_, in_batch] = await book([wish(BUY, "a"), another])
    before = ledger.books
    [later] = await book([another])
    assert isinstance(in_batch, KeyReused)
    assert isinstance(later, KeyReused)
    assert ledger.books == before


@pytest.mark.parametrize(
    "fields",
    [
        {"engine": "x"},
        {"signal_id": "x"},
        {"recommendation_id": "7"},
        {"confidence": Decimal("0.5")},
        {"notes": "x"},
        {"stated_at": BUY.executed_at},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_every_field_tells_bookings_apart(fields: dict[str, Any]) -> None:
    one: BookTrade = wish(BUY, "a")
    assert replace(one, **fields).fingerprint != one.fingerprint
    assert replace(one, owner="x", client_trade_id="b", override=True).fingerprint == one.fingerprint


# As the service stored it before digests had a version.
OLD_DIGEST = "18f4986f01f6e9660d69358f4698e16ab183072331d7fca0543aa1075cbec83b"
OLD = BookTrade(
    execution=replace(BUY, executed_at=datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)),
    owner="engine",
    client_trade_id="before-1",
    engine="momentum",
    signal_id="s-1",
    confidence=Decimal("0.75"),
    notes="«ñ»",
    stated_at=datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC),
)


def test_a_digest_says_its_version_and_fits_its_column() -> None:
    assert OLD.fingerprint.startswith("2:")
    assert len(OLD.fingerprint) == len(OLD_DIGEST) == 64


@pytest.mark.parametrize("stored", [OLD_DIGEST, OLD.fingerprint], ids=["without a version", "with one"])
def test_a_stored_digest_is_compared_with_the_digest_of_its_version(stored: str) -> None:
    other_remarks, other_money = replace(OLD, notes=None), replace(OLD, execution=sold("BTC", "0.1", 45_000))
    assert [one.is_same(stored) for one in (OLD, other_remarks, other_money)] == [True, False, False]
    assert [one.is_same_execution(stored) for one in (OLD, other_remarks, other_money)] == [True, True, False]


async def test_a_key_that_was_booked_before_digests_had_a_version_still_replays(book: Book, ledger: FakeLedger) -> None:
    refused_before = replace(OLD, execution=sold("BTC", 1, 100), client_trade_id="before-2")
    [kept, no] = await book([OLD, refused_before])
    for number, outcome in ledger.books.outcomes.items():
        assert outcome.request.client_trade_id is not None
        asked = OLD if outcome.request.client_trade_id == "before-1" else refused_before
        ledger.books.outcomes[number] = replace(outcome, fingerprint="".join(asked._digest("")))
    [copy, other, refusal] = await book([OLD, replace(OLD, notes="x"), refused_before])
    assert replayed(copy)
    assert accepted(copy) == accepted(kept)
    assert isinstance(other, KeyReused)
    assert refused(refusal) == refused(no)
    [overridden] = await book([replace(refused_before, notes=None, override=True)])
    [again] = await book([refused_before])
    assert accepted(again) == accepted(overridden)


async def test_keys_belong_to_their_owner_and_are_compared_byte_for_byte(book: Book) -> None:
    results = await book([wish(BUY, "a"), wish(BUY, "A"), wish(BUY, "a "), wish(BUY, "a", owner="other")])
    assert not any(replayed(r) for r in results)
    assert BookingKey("engine", "a") != BookingKey("engine", "A")


# --- refusals ---------------------------------------------------------------------------------------------------------


async def test_a_refusal_is_as_sticky_as_an_acceptance(book: Book, ledger: FakeLedger) -> None:
    [no] = await book([wish(sold("BTC", 1, 100), "a")])
    assert refused(no).error == "InsufficientQuantity"
    await book([wish(bought("BTC", 1, 100), "b")])
    [still_no] = await book([wish(sold("BTC", 1, 100), "a")])
    assert replayed(still_no)
    assert refused(still_no) == refused(no)
    assert await FakeProbe(ledger).count_refusals(1) == 1


async def test_each_is_booked_or_refused_alone_on_top_of_those_before(book: Book, ledger: FakeLedger) -> None:
    results = await book(
        [
            wish(sold("BTC", 1, 100), "too early"),
            wish(bought("BTC", 1, 100), "b"),
            wish(bought("BTC", 10**6, 100), "too much"),
            wish(bought("BTC", 1, 100, net=9), "slipped"),
            wish(sold("BTC", 1, 100), "now"),
        ]
    )
    assert [refused(results[i]).error for i in (0, 2, 3)] == [
        "InsufficientQuantity",
        "InsufficientCash",
        "AmountMismatch",
    ]
    assert [accepted(results[i]).trade_id for i in (1, 4)] == [1, 2]
    assert await FakeProbe(ledger).count_refusals(1) == 3
    assert (await ledger.load(1)).cash == money(100_000)


async def test_a_refusal_without_a_key_is_kept_as_well(book: Book, ledger: FakeLedger) -> None:
    await book([wish(sold("BTC", 1, 100))])
    page = await FakeLookups(ledger).refusals(1, before=None, limit=10)
    [kept] = page.items
    assert (kept.terms.symbol.code, kept.terms.quantity, kept.request.key) == ("BTC", units(1), None)


async def test_what_is_out_of_range_is_refused_and_kept(book: Book, ledger: FakeLedger) -> None:
    huge = wish(sold("BTC", 1, "99999999999999999999"), "a", override=True)
    portfolio = await ledger.load(1)
    [first, override] = await book([huge, huge])
    assert refused(first).error == "OutOfRange"
    assert isinstance(override, OutOfRange)
    assert await ledger.load(1) == portfolio
    [other] = await book([wish(BUY, "a")])
    assert isinstance(other, KeyReused)


async def test_a_position_that_could_not_be_valued_is_not_booked(clock: FakeClock) -> None:
    ledger = await opened(clock, "9e19")
    [first, second] = await booking(ledger, clock)(
        [wish(bought("BTC", "1e19", 1)), wish(bought("BTC", 1, 11))]  # 1e19 + 1 units, now at 11
    )
    assert accepted(first).cash == money("8e19")
    assert refused(second).error == "OutOfRange"
    [third] = await booking(ledger, clock)([wish(sold("ETH", "9e18", 10), override=True)])
    assert refused(third).error == "OutOfRange"  # 8e19 and 9e19 of cash


# --- overrides --------------------------------------------------------------------------------------------------------


async def test_an_override_books_what_was_refused_under_the_same_key(book: Book, ledger: FakeLedger) -> None:
    asked = wish(sold("BTC", 1, 100), "a")
    await book([asked])
    [booked] = await book([replace(asked, override=True)])
    assert accepted(booked).position.quantity == units(-1)
    assert not replayed(booked)
    assert await FakeProbe(ledger).count_refusals(1) == 0
    [copy] = await book([asked])
    assert replayed(copy)
    assert accepted(copy) == accepted(booked)


async def test_an_override_in_the_same_transaction_is_one_too(book: Book, ledger: FakeLedger) -> None:
    asked = wish(sold("BTC", 1, 100), "a")
    [no, yes, again] = await book([asked, replace(asked, override=True), asked])
    assert refused(no).error == "InsufficientQuantity"
    assert accepted(yes).trade_id == accepted(again).trade_id == 1
    assert [replayed(no), replayed(yes), replayed(again)] == [False, False, True]
    assert len(ledger.books.outcomes) == 1
    assert await FakeProbe(ledger).count_refusals(1) == 0


async def test_an_override_need_not_repeat_the_engines_remarks(book: Book) -> None:
    asked = replace(wish(sold("BTC", 1, 100), "a"), notes="stop loss", engine="momentum")
    override = wish(sold("BTC", 1, 100), "a", override=True)
    await book([asked])
    [booked] = await book([override])
    [engine_again, admin_again] = await book([asked, override])
    assert replayed(engine_again)
    assert replayed(admin_again)
    assert accepted(engine_again) == accepted(admin_again) == accepted(booked)


async def test_an_override_of_other_figures_is_another_booking(book: Book, ledger: FakeLedger) -> None:
    [_, in_batch] = await book([wish(sold("BTC", 1, 100), "a"), wish(sold("BTC", 2, 100), "a", override=True)])
    [later] = await book([wish(sold("BTC", 2, 100), "a", override=True)])
    assert isinstance(in_batch, KeyReused)
    assert isinstance(later, KeyReused)
    assert await FakeProbe(ledger).count_refusals(1) == 1


async def test_an_override_that_cannot_be_booked_leaves_the_refusal(clock: FakeClock) -> None:
    ledger = await opened(clock, "9e19")
    asked = wish(sold("BTC", 1, "2e19"), "a")
    [no, neither] = await booking(ledger, clock)([asked, replace(asked, override=True)])
    assert refused(no).error == "InsufficientQuantity"
    assert isinstance(neither, OutOfRange)
    assert await FakeProbe(ledger).count_refusals(1) == 1
    [later] = await booking(ledger, clock)([replace(asked, override=True)])
    assert isinstance(later, OutOfRange)
    assert await FakeProbe(ledger).count_refusals(1) == 1


REFUSED = {
    "FeesTooHigh": bought("BTC", 1, 100, fees="10.01"),
    "FeesTooHigh, nothing left": execution(Side.BUY, "BTC", 1, 100, net=10, fees=10, fees_included=True),
    "FeesTooHigh, a sale that costs": sold("BTC", "0.1", 100, net="0.9", fees=1),
    "AmountMismatch": bought("BTC", 1, 100, net=1000),
    "InsufficientQuantity": sold("ETH", 1, 100),
    "InsufficientCash": bought("BTC", 1, 200_000),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_every_refusal_of_what_could_be_read_is_kept_and_can_be_booked(
    book: Book, ledger: FakeLedger, kind: str
) -> None:
    await book([wish(BUY)])
    [first, unkeyed] = await book([wish(REFUSED[kind], "a"), wish(REFUSED[kind])])
    assert refused(first).error == refused(unkeyed).error == kind.split(",", maxsplit=1)[0]
    assert await FakeProbe(ledger).count_refusals(1) == 2
    [copy] = await book([wish(REFUSED[kind], "a")])
    assert (replayed(copy), refused(copy)) == (True, refused(first))
    [made_good] = await book([wish(REFUSED[kind], "a", override=True)])
    assert accepted(made_good).trade_id == 2
    assert await FakeProbe(ledger).count_refusals(1) == 1
    assert (await VerifyBooks(ledger)(1)).holds


async def test_a_result_out_of_range_is_kept_although_nothing_can_book_it(clock: FakeClock) -> None:
    ledger = await opened(clock, "9e19")
    # Bought in two halves, each of which the cash allows; the third makes fees, cost or value reach 1e20.
    asked = wish(bought("BTC", 1, "6e19", net="6e19"), "a")
    overs = [replace(asked, client_trade_id=key, override=True) for key in ("a", "b")]
    [_, over] = await booking(ledger, clock)(overs)
    assert refused(over).error == "OutOfRange"
    assert await FakeProbe(ledger).count_refusals(1) == 0  # nothing can be decided on it
    [again] = await booking(ledger, clock)(overs[1:])
    assert isinstance(again, OutOfRange)
    assert await FakeProbe(ledger).count_refusals(1) == 0


# --- all of it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reported", ["0.0999999999999999", "0.1000000000000001", "0.10000000000000001"])
@pytest.mark.parametrize("key", [None, "s"])
async def test_a_sale_of_as_good_as_everything_closes_the_position(
    book: Book, ledger: FakeLedger, reported: str, key: str | None
) -> None:
    await book([wish(BUY)])  # 0.1 BTC
    sale = replace(wish(sold("BTC", reported, 46_000, net="4600.5", fees=1)), client_trade_id=key)
    [reply] = await book([sale])
    entry = ledger.books.trades[2]
    assert entry is not None
    assert (entry.trade.quantity, entry.trade.reported_quantity) == (units("0.1"), units(reported))
    assert accepted(reply).booked_quantity == units("0.1")
    assert not accepted(reply).position.is_open
    # The money is as it was reported, whatever the quantity: an execution is a fact.
    assert (entry.trade.notional, entry.trade.cash_delta) == (money("4600.5"), money("4599.5"))
    assert accepted(reply).realized_pnl == money("4599.5") - money("4522.5")
    assert (await VerifyBooks(ledger)(1)).holds
    if key is not None:
        [copy] = await book([sale])
        assert (replayed(copy), accepted(copy)) == (True, accepted(reply))


async def test_the_sale_of_everything_can_be_reversed_to_the_digit(book: Book, ledger: FakeLedger) -> None:
    await book([wish(BUY)])
    before = (await ledger.load(1)).position(Symbol("BTC"))
    await book([wish(sold("BTC", "0.1000000000000001", 46_000))])
    await ReverseTrade(ledger, FakeClock(), RULES)(1, 2, owner="admin")
    after, entry = (await ledger.load(1)).position(Symbol("BTC")), ledger.books.trades[3]
    assert (after.quantity, after.cost_basis, after.asset_cost) == (
        before.quantity,
        before.cost_basis,
        before.asset_cost,
    )
    assert entry is not None
    assert (entry.trade.quantity, entry.trade.reported_quantity) == (units("0.1"), None)
    assert (await VerifyBooks(ledger)(1)).holds


async def test_in_a_batch_everything_is_what_is_left_of_those_before(book: Book) -> None:
    sales = [wish(sold("BTC", quantity, 45_000)) for quantity in ("0.07", "0.030000000000000002", "0.03")]
    [_, _, rest, nothing] = await book([wish(BUY), *sales])
    assert not accepted(rest).position.is_open
    assert refused(nothing).error == "InsufficientQuantity"


# --- the same key of another owner ------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
async def test_a_key_that_another_owner_used_for_the_same_execution_is_booked_and_marked(
    book: Book, ledger: FakeLedger, together: bool
) -> None:
    without = replace(wish(BUY, "k"), owner="anonymous", engine=None)
    with_engine, other = replace(without, owner="alpha", engine="alpha"), replace(wish(BUY, "k2"), owner="beta")
    asked = [[without, with_engine, other]] if together else [[without], [with_engine], [other]]
    results = [result for part in asked for result in await book(part)]
    assert [accepted(r).possible_duplicate_of for r in results] == [None, 1, None]
    kept = {o.request.owner: o.result for o in ledger.books.outcomes.values()}
    assert kept["alpha"] == accepted(results[1])
    [copy] = await book([with_engine])
    assert (replayed(copy), accepted(copy)) == (True, accepted(results[1]))


async def test_the_same_key_of_another_owner_for_something_else_is_no_duplicate(book: Book) -> None:
    [_, dearer] = await book(
        [replace(wish(BUY, "k"), owner="alpha"), replace(wish(bought("BTC", "0.1", 45_001), "k"), owner="beta")]
    )
    [refusal, later] = await book([replace(wish(sold("ETH", 1, 9), "s"), owner=owner) for owner in ("alpha", "beta")])
    assert accepted(dearer).possible_duplicate_of is None
    assert refused(refusal).error == refused(later).error == "InsufficientQuantity"


# --- twins ------------------------------------------------------------------------------------------------------------


async def test_without_a_key_a_twin_within_a_minute_is_booked_and_marked(book: Book, clock: FakeClock) -> None:
    await book([wish(BUY)])
    clock.advance(59.9)
    [twin] = await book([wish(BUY)])
    assert (accepted(twin).trade_id, accepted(twin).possible_duplicate_of) == (2, 1)
    clock.advance(60.1)
    [later] = await book([wish(BUY)])
    assert accepted(later).possible_duplicate_of is None


async def test_a_twin_booked_before_digests_had_a_version_is_marked(book: Book, ledger: FakeLedger) -> None:
    one = replace(OLD, client_trade_id=None)
    await book([one])
    entry = ledger.books.trades[1]
    assert entry is not None
    ledger.books.trades[1] = replace(entry, fingerprint=OLD_DIGEST)
    [twin, newer] = await book([one, one])
    assert [accepted(r).possible_duplicate_of for r in (twin, newer)] == [1, 2]


async def test_a_twin_in_the_same_transaction_is_marked(book: Book) -> None:
    results = await book([wish(BUY), wish(BUY), wish(sold("BTC", "0.1", 45_000)), wish(BUY)])
    assert [accepted(r).possible_duplicate_of for r in results] == [None, 1, None, 2]


async def test_with_a_key_nothing_is_a_twin(book: Book) -> None:
    await book([wish(BUY)])
    [keyed] = await book([wish(BUY, "a")])
    assert accepted(keyed).possible_duplicate_of is None
    [unkeyed, together] = await book([wish(BUY), wish(BUY, "b")])
    assert accepted(unkeyed).possible_duplicate_of == accepted(keyed).trade_id
    assert accepted(together).possible_duplicate_of is None


# --- lost commits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "a"])
@pytest.mark.parametrize("committed", [True, False])
async def test_a_lost_commit_is_looked_up_and_booked_exactly_once(
    book: Book, ledger: FakeLedger, key: str | None, committed: bool
) -> None:
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    [result] = await book([wish(BUY, key)])
    assert accepted(result).trade_id == 1
    assert not replayed(result)
    assert accepted(result).possible_duplicate_of is None
    portfolio = await ledger.load(1)
    assert portfolio.trade_counts.trades == 1
    assert portfolio.cash == money("95477.5")


async def test_a_lost_commit_is_not_taken_for_another_ones_trade(
    book: Book, ledger: FakeLedger, clock: FakeClock
) -> None:
    """Lost for good, and then another instance booked the very same under the revision it would have had."""

    class Overtaken(FakeLedger):
        async def transact(self, portfolio_id: int, work: Any, **hints: Any) -> Any:
            try:
                return await super().transact(portfolio_id, work, **hints)
            except OutcomeUnknown:
                clock.advance(1)
                await book([wish(BUY)])
                self.books = ledger.books
                raise

    overtaken = Overtaken(ledger.books)
    overtaken.fail_next = OutcomeUnknown("lost")
    [result] = await booking(overtaken, clock)([wish(BUY)])
    assert (accepted(result).trade_id, accepted(result).possible_duplicate_of) == (2, 1)
    assert (await overtaken.load(1)).trade_counts.trades == 2


@pytest.mark.parametrize("committed", [True, False])
async def test_a_lost_refusal_is_looked_up_and_kept_once(book: Book, ledger: FakeLedger, committed: bool) -> None:
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    [result] = await book([wish(sold("BTC", 1, 1), "a")])
    assert refused(result).error == "InsufficientQuantity"
    assert not replayed(result)
    assert await FakeProbe(ledger).count_refusals(1) == 1


async def test_a_lost_refusal_without_a_key_is_decided_again(book: Book, ledger: FakeLedger) -> None:
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), False
    [result] = await book([wish(sold("BTC", 1, 1))])
    assert refused(result).error == "InsufficientQuantity"
    assert await FakeProbe(ledger).count_refusals(1) == 1


async def test_where_the_lookup_fails_too_the_outcome_stays_unknown(book: Book, ledger: FakeLedger) -> None:
    class Gone(FakeLedger):
        async def transact(self, portfolio_id: int, work: Any, **hints: Any) -> Any:
            try:
                return await super().transact(portfolio_id, work, **hints)
            finally:
                self.away = True

    gone = Gone(ledger.books)
    gone.fail_next = lost = OutcomeUnknown("lost")
    with pytest.raises(OutcomeUnknown) as unknown:
        await booking(gone, FakeClock())([wish(BUY, "a")])
    assert unknown.value is lost
    assert isinstance(unknown.value.__cause__, LedgerUnavailable)


async def test_what_the_ledger_does_not_take_is_not_booked(book: Book, ledger: FakeLedger) -> None:
    before = ledger.books
    ledger.fail_next = LedgerUnavailable("deadlock without end")
    with pytest.raises(LedgerUnavailable):
        await book([wish(BUY, "a")])
    assert ledger.books == before


async def test_one_transaction_may_hold_a_thousand_bookings(book: Book, ledger: FakeLedger) -> None:
    results = await book([wish(bought("BTC", "0.001", 100), str(i)) for i in range(300)])
    portfolio = await ledger.load(1)
    assert len(results) == 300
    assert portfolio.cash == money(100_000 - 30)
    assert portfolio.revision == 302
    assert portfolio.unreconciled == Money.zero()
    assert [e.revision for e in await ledger.entries(1, after=2, limit=1_000)] == list(range(3, 303))
