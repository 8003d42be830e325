"""Events are entries like the others: booked once, kept, proved, taken out once, on every kind of books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portfolio.application.errors import KeyReused, LedgerUnavailable, NotFound, OutcomeUnknown
from portfolio.application.ledger.booking import BookTrades
from portfolio.application.ledger.cash import MoveCash, MoveCashInOrOut
from portfolio.application.ledger.cash_records import CashEntry, RecordedCashEntry, RefusedCashEntry
from portfolio.application.ledger.happenings.activity import EntryFilter, EntryKind, ListedEntry
from portfolio.application.ledger.happenings.records import BookEvent, EventReply, EventResult, RecordedEvent
from portfolio.application.ledger.happenings.reversal import ReverseEvent
from portfolio.application.ledger.records import BookTrade, TradeFilter
from portfolio.application.ledger.reversal import ReverseTrade
from portfolio.application.ledger.verification import VerifyBooks
from portfolio.domain.errors import InsufficientCash, InsufficientQuantity, NotReversible
from portfolio.domain.ledger.cash_transaction import EVENT_KINDS
from portfolio.domain.ledger.cash_transaction import CashTransactionKind as Kind
from portfolio.domain.ledger.portfolio import Portfolio
from portfolio.domain.ledger.trade import Side
from portfolio.domain.money import Money
from portfolio.domain.symbol import Symbol
from tests.contract.ledger.event_wishes import CLOCK, POL, RULES, SOL, book, units, wish
from tests.contract.ledger.ledger_kinds import Ports, ports
from tests.support.fakes.fake_ledger import FakeLedger
from tests.support.ledger_examples import BTC, ETH, execution, money, open_books

__all__ = ["ports"]

EVERY_KIND = [
    wish(Kind.TRANSFER_IN, "in", symbol=BTC, quantity=units(1), basis=money(30_000), value=money(60_000)),
    wish(Kind.INCOME, "income", symbol=SOL, quantity=units(2), value=money(300), label="staking", group="june"),
    wish(Kind.SWAP, "swap", symbol=BTC, quantity=units(1), to_symbol=ETH, to_quantity=units(20), value=money(60_000)),
    wish(Kind.EXCHANGE, "exchange", symbol=SOL, quantity=units(1), to_symbol=POL, ratio=Decimal("1.5")),
    wish(Kind.SPLIT, "split", symbol=ETH, ratio=Decimal(1_000)),
    wish(Kind.TRANSFER_OUT, "out", symbol=ETH, quantity=units(5_000), value=money(15_000)),
    wish(Kind.LOSS, "loss", symbol=ETH, quantity=units(500)),
    wish(Kind.INTEREST, "interest", amount=money(12)),
    wish(Kind.CHARGE, "charge", amount=money(5)),
]


async def opened(ports: Ports) -> Portfolio:
    """Books with 100,000 dollars, of which 45,022.5 bought a bitcoin."""
    await open_books(ports.ledger)
    bought = replace(execution(quantity="1"), executed_at=CLOCK.now())
    await BookTrades(ports.ledger, CLOCK, RULES)(1, [BookTrade(owner="ann", execution=bought)])
    return await ports.ledger.load(1)


def kept(results: Sequence[EventResult]) -> list[RecordedEvent]:
    events = []
    for result in results:
        assert isinstance(result, EventReply)
        assert isinstance(result.event, RecordedEvent)
        events.append(result.event)
    return events


async def assert_proved(ports: Ports) -> None:
    found = await VerifyBooks(ports.ledger, page_size=4)(1)
    assert (found.differences, found.unreconciled) == ([], [])


async def test_every_kind_is_kept_as_it_was_booked(ports: Ports) -> None:
    before = await opened(ports)
    events = kept(await book(ports, *EVERY_KIND))
    assert {event.entry.transaction.kind for event in events} == set(EVENT_KINDS)
    after = await ports.ledger.load(1)
    assert after.revision == before.revision + len(EVERY_KIND) + 2  # a swap is two trades more
    for event in events:
        basis = sum((leg.basis_delta for leg in event.legs), Money.zero())
        assert event.cash_delta + basis == event.net_deposits_delta + event.realized_delta
    for name, delta in (
        ("cash", "cash_delta"),
        ("net_deposits", "net_deposits_delta"),
        ("realized_pnl", "realized_delta"),
    ):
        moved = sum((getattr(event, delta) for event in events), Money.zero())
        assert getattr(after, name) == getattr(before, name) + moved
    assert not after.unreconciled
    page = await ports.lookups.events(1, before=None, limit=100)
    assert [*page.items][::-1] == events
    await assert_proved(ports)


async def test_events_are_read_page_by_page_and_one_by_one(ports: Ports) -> None:
    await opened(ports)
    events = kept(await book(ports, *EVERY_KIND))
    first = await ports.lookups.events(1, before=None, limit=4)
    rest = await ports.lookups.events(1, before=first.next_before, limit=100)
    assert [*first.items, *rest.items] == events[::-1]
    assert rest.next_before is None
    for event in events:
        assert (await ports.lookups.events(1, before=None, limit=1, event_id=event.id)).items == [event]
    assert not (await ports.lookups.events(1, before=None, limit=1, event_id=10**6)).items
    assert not (await ports.lookups.events(1, before=None, limit=1, event_id=1)).items  # the baseline is none


async def test_a_key_is_looked_up_byte_for_byte_whether_it_was_booked_or_refused(ports: Ports) -> None:
    await opened(ports)
    booked = kept(await book(ports, *EVERY_KIND))
    for event in booked:
        assert await ports.lookups.event_under(1, "ann", event.entry.client_transaction_id or "") == event
    [refused] = await book(ports, wish(Kind.LOSS, "too-much", symbol=BTC, quantity=units(5)))
    assert isinstance(refused, EventReply)
    assert isinstance(refused.event, RefusedCashEntry)
    assert await ports.lookups.event_under(1, "ann", "too-much") == refused.event
    moved = MoveCash(kind=Kind.DEPOSIT, amount=money(5), owner="ann", client_transaction_id="deposit")
    await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, moved)
    for owner, key in (("ann", "SWAP"), ("ann", "swap "), ("bob", "swap"), ("", "too-much")):
        assert await ports.lookups.event_under(1, owner, key) is None
    with pytest.raises(KeyReused):
        await ports.lookups.event_under(1, "ann", "deposit")


async def test_events_are_entries_in_their_order(ports: Ports) -> None:
    before = await opened(ports)
    events = kept(await book(ports, *EVERY_KIND))
    entries = await ports.ledger.entries(1, after=before.revision, limit=100)
    assert [entry.revision for entry in entries] == list(range(before.revision + 1, before.revision + 12))
    assert [entry for entry in entries if isinstance(entry, CashEntry)] == [event.entry for event in events]
    swap = events[2]
    assert [entry.group for entry in entries if not isinstance(entry, CashEntry)] == [swap.terms.group] * 2
    log = await ports.lookups.log(1, after=before.revision, until=before.revision + 11)
    assert [one.revision for one in log] == [entry.revision for entry in entries]
    assert len({one.digest for one in log}) == len(log)
    of_log = [one.entry.entry for one in log if isinstance(one.entry, RecordedCashEntry)]
    assert of_log == [event.entry for event in events]


async def test_entries_of_all_kinds_are_listed_newest_first_by_what_is_wanted(ports: Ports) -> None:
    await opened(ports)
    events = kept(await book(ports, *EVERY_KIND))
    interest = events[7]
    assert interest.id is not None
    reversal = await ReverseEvent(ports.ledger, CLOCK, RULES)(1, interest.id, owner="bob")
    log = await ports.lookups.log(1, after=0, until=100)
    everything = await ports.lookups.activity(1, EntryFilter(limit=100))
    assert [one.recorded for one in everything.items] == [one.entry for one in reversed(log)]
    assert [one.revision for one in everything.items] == [one.revision for one in reversed(log)]
    assert everything.next_before is None
    assert isinstance(reversal.event, RecordedEvent)
    taken = {one.revision: one.taken_out_by for one in everything.items if one.taken_out_by is not None}
    assert taken == {interest.entry.revision: reversal.event.entry.revision}

    found: list[ListedEntry] = []
    before: int | None = None
    while True:
        page = await ports.lookups.activity(1, EntryFilter(limit=3, before=before))
        assert len(page.items) <= 3
        found += page.items
        if (before := page.next_before) is None:
            break
    assert found == everything.items

    kinds = [*EVENT_KINDS, Kind.BASELINE, Kind.RESTATEMENT, *Side]
    for kind in kinds:
        wanted = [one for one in everything.items if _kind_of(one) == kind]
        assert (await ports.lookups.activity(1, EntryFilter(kind=kind))).items == wanted
    for symbol in (BTC, ETH, SOL, POL, Symbol("DOGE")):
        wanted = [one for one in everything.items if symbol in _moved_by(one)]
        assert (await ports.lookups.activity(1, EntryFilter(symbol=symbol))).items == wanted
    for one in everything.items:
        assert (await ports.lookups.activity(1, EntryFilter(revision=one.revision))).items == [one]
    far = await ports.lookups.activity(1, EntryFilter(kind=Kind.BASELINE, symbol=SOL))
    assert far.items == []


async def test_entries_are_listed_by_when_they_took_effect(ports: Ports) -> None:
    await opened(ports)
    day, moment = timedelta(days=1), CLOCK.now() - timedelta(days=40)
    late = [replace(wish(Kind.INTEREST, f"i{n}", amount=money(1)), stated_at=moment + n * day) for n in range(3)]
    late = [replace(one, what=replace(one.what, effective_at=one.stated_at)) for one in late if one.stated_at]
    events = kept(await book(ports, *late))
    trade = replace(execution(quantity="0.1"), executed_at=moment + day)
    await BookTrades(ports.ledger, CLOCK, RULES)(1, [BookTrade(owner="ann", execution=trade)])
    for since, until, count in (
        (moment, moment + day, 1),
        (moment + day, moment + 2 * day, 2),
        (None, moment + 3 * day, 4),
        (moment + 3 * day, None, 3),
        (None, moment, 0),
    ):
        page = await ports.lookups.activity(1, EntryFilter(since=since, until=until))
        assert len(page.items) == count
    first = await ports.lookups.activity(1, EntryFilter(until=moment + day))
    assert [one.revision for one in first.items] == [events[0].entry.revision]


def _kind_of(listed: ListedEntry) -> EntryKind:
    recorded = listed.recorded
    if isinstance(recorded, RecordedCashEntry):
        return recorded.entry.transaction.kind
    assert recorded.entry is not None
    return recorded.entry.trade.side


def _moved_by(listed: ListedEntry) -> set[Symbol]:
    recorded = listed.recorded
    if isinstance(recorded, RecordedCashEntry):
        return {one.symbol for one in recorded.entry.positions}
    assert recorded.entry is not None
    return {recorded.entry.trade.symbol}


async def test_units_are_bought_with_the_value_that_came_not_with_its_cost(ports: Ports) -> None:
    before = await opened(ports)
    await book(ports, wish(Kind.TRANSFER_IN, symbol=SOL, quantity=units(1), basis=money(1), value=money(10_000)))
    after = await ports.ledger.load(1)
    assert after.units.value(after.total_value) == before.units.value(before.total_value)
    assert after.net_deposits == before.net_deposits + money(1)
    await assert_proved(ports)


async def test_a_key_books_once_and_answers_the_same_ever_after(ports: Ports) -> None:
    await opened(ports)
    events = kept(await book(ports, *EVERY_KIND))
    revision = (await ports.ledger.load(1)).revision
    again = await book(ports, *EVERY_KIND)
    assert kept(again) == events
    assert all(isinstance(one, EventReply) and one.replayed for one in again)
    assert (await ports.ledger.load(1)).revision == revision
    [other] = await book(ports, wish(Kind.INTEREST, "interest", amount=money(13)))
    assert isinstance(other, KeyReused)
    [of_another] = kept(await book(ports, wish(Kind.INTEREST, "interest", owner="bob", amount=money(12))))
    assert of_another.entry.owner == "bob"


async def test_a_key_of_a_deposit_is_none_of_an_event(ports: Ports) -> None:
    await opened(ports)
    deposit = MoveCash(kind=Kind.DEPOSIT, amount=money(12), owner="ann", client_transaction_id="k")
    await MoveCashInOrOut(ports.ledger, CLOCK, RULES)(1, deposit)
    [result] = await book(ports, wish(Kind.INTEREST, "k", amount=money(12)))
    assert isinstance(result, KeyReused)


async def test_a_key_is_also_that_of_a_service_without_keys_where_it_is_adopted(ports: Ports) -> None:
    await opened(ports)
    [event] = kept(await book(ports, wish(Kind.INTEREST, "k", owner="", amount=money(12))))
    [again] = await book(ports, replace(wish(Kind.INTEREST, "k", amount=money(12)), adopts_open=True))
    assert again == EventReply(event, replayed=True)


async def test_a_refusal_is_kept_and_answered_again(ports: Ports) -> None:
    await opened(ports)
    too_much = wish(Kind.LOSS, "l", symbol=BTC, quantity=units(2))
    unknown = wish(Kind.INCOME, "i", symbol=SOL, quantity=units(2), label="staking")
    refused = await book(ports, too_much, unknown)
    decided = [one.event for one in refused if isinstance(one, EventReply) and isinstance(one.event, RefusedCashEntry)]
    assert [one.refusal.error for one in decided] == ["InsufficientQuantity", "ValueUnknown"]
    again = await book(ports, too_much, unknown)
    assert [one.event for one in again if isinstance(one, EventReply) and one.replayed] == decided
    [other] = await book(ports, replace(too_much, what=replace(too_much.what, quantity=units(3))))
    assert isinstance(other, KeyReused)
    await assert_proved(ports)


async def test_a_refused_event_leaves_the_others_of_its_batch_alone(ports: Ports) -> None:
    await opened(ports)
    interest = wish(Kind.INTEREST, "a", amount=money(1))
    results = await book(
        ports,
        interest,
        wish(Kind.CHARGE, amount=money(10**6)),
        interest,
        wish(Kind.CHARGE, "a", amount=money(1)),
        wish(Kind.INTEREST, "b", amount=money(2)),
    )
    assert [type(one).__name__ for one in results] == [
        "EventReply",
        "EventReply",
        "EventReply",
        "KeyReused",
        "EventReply",
    ]
    first, refused, copy = results[:3]
    assert isinstance(first, EventReply)
    assert copy == replace(first, replayed=True)
    assert isinstance(refused, EventReply)
    assert isinstance(refused.event, RefusedCashEntry)
    assert (await ports.ledger.load(1)).realized_pnl == money(3)
    await assert_proved(ports)


async def test_a_dry_run_says_what_would_be_and_leaves_nothing_behind(ports: Ports) -> None:
    before = await opened(ports)
    planned = kept(await book(ports, *EVERY_KIND, dry_run=True))
    [refused] = await book(ports, wish(Kind.CHARGE, "c", amount=money(10**6)), dry_run=True)
    assert isinstance(refused, EventReply)
    assert isinstance(refused.event, RefusedCashEntry)
    assert refused.event.refusal.error == InsufficientCash.__name__
    assert await ports.ledger.load(1) == before
    booked = kept(await book(ports, *EVERY_KIND))
    assert [(e.legs, e.cash_delta, e.realized_delta, e.fees_delta, e.terms) for e in planned] == [
        (e.legs, e.cash_delta, e.realized_delta, e.fees_delta, e.terms) for e in booked
    ]
    assert all(event.id is None for event in planned)
    [charged] = await book(ports, wish(Kind.CHARGE, "c", amount=money(6)))
    assert isinstance(charged, EventReply)
    assert not charged.replayed


@pytest.mark.parametrize("place", range(len(EVERY_KIND)), ids=[one.what.kind.value for one in EVERY_KIND])
async def test_taking_an_event_out_leaves_the_sums_of_before(ports: Ports, place: int) -> None:
    await opened(ports)
    await book(ports, *EVERY_KIND[:place])
    before = await ports.ledger.load(1)
    [event] = kept(await book(ports, EVERY_KIND[place]))
    assert event.id is not None
    take_out = ReverseEvent(ports.ledger, CLOCK, RULES)
    [taken] = kept([await take_out(1, event.id, owner="ann")])
    after = await ports.ledger.load(1)
    for name in ("cash", "net_deposits", "realized_pnl", "cost_basis", "fees_paid", "trade_counts"):
        assert getattr(after, name) == getattr(before, name)
    for symbol, position in before.positions.items():
        assert after.position(symbol).quantity == position.quantity
        assert after.position(symbol).cost_basis == position.cost_basis
        assert after.position(symbol).avg_entry_price == position.avg_entry_price
    assert taken.reverses == event.id
    assert taken.terms.reverses_revision == event.entry.revision
    assert taken.terms.flow_value == -event.terms.flow_value
    assert await take_out(1, event.id, owner="ann") == EventReply(taken, replayed=True)
    [found] = (await ports.lookups.events(1, before=None, limit=1, event_id=event.id)).items
    assert found.reversed_by == taken.id
    with pytest.raises(NotReversible, match=f"event {event.id} cannot be reversed: event {taken.id} reversed it"):
        await take_out(1, event.id, owner="bob")
    assert taken.id is not None
    with pytest.raises(NotReversible, match="it is itself a reversal"):
        await take_out(1, taken.id, owner="ann")
    await assert_proved(ports)


@pytest.mark.parametrize("value", ["0", "0.0000001"])
async def test_what_came_for_nothing_or_for_next_to_nothing_has_no_average_and_the_books_hold(
    ports: Ports, value: str
) -> None:
    await opened(ports)
    amount = Money(Decimal(value))
    came = wish(Kind.INCOME, symbol=SOL, quantity=units(10**12), value=amount, label="airdrop")
    kept(await book(ports, came))
    position = (await ports.ledger.load(1)).position(SOL)
    assert (position.avg_entry_price, position.asset_cost, position.cost_basis) == (None, amount, amount)
    await assert_proved(ports)


async def test_what_is_no_event_is_not_found(ports: Ports) -> None:
    await opened(ports)
    for number in (1, 10**6):  # the baseline, and nothing
        with pytest.raises(NotFound):
            await ReverseEvent(ports.ledger, CLOCK, RULES)(1, number, owner="ann")


async def test_a_swap_of_which_a_trade_was_taken_back_stays(ports: Ports) -> None:
    await opened(ports)
    swap = kept(await book(ports, EVERY_KIND[0], EVERY_KIND[2]))[1]
    assert swap.id is not None
    await ReverseTrade(ports.ledger, CLOCK, RULES)(1, swap.trades[1].id, owner="ann")
    with pytest.raises(NotReversible, match=f"trade {swap.trades[1].id} of it was reversed"):
        await ReverseEvent(ports.ledger, CLOCK, RULES)(1, swap.id, owner="ann")


async def test_what_is_gone_cannot_be_taken_out(ports: Ports) -> None:
    await opened(ports)
    income = kept(await book(ports, EVERY_KIND[1], wish(Kind.LOSS, symbol=SOL, quantity=units(1))))[0]
    assert income.id is not None
    with pytest.raises(InsufficientQuantity):
        await ReverseEvent(ports.ledger, CLOCK, RULES)(1, income.id, owner="ann")


async def test_the_trades_of_a_swap_are_trades_of_the_ledger(ports: Ports) -> None:
    await opened(ports)
    [swap] = kept(await book(ports, EVERY_KIND[2]))
    page = await ports.lookups.trades(1, TradeFilter(limit=2))
    assert [*page.items][::-1] == [*swap.trades]
    assert [trade.id for trade in swap.trades] == sorted(trade.id for trade in swap.trades)
    portfolio = await ports.ledger.load(1)
    assert (portfolio.trade_counts.trades, portfolio.trade_counts.wins) == (3, 1)


async def test_a_value_that_is_left_out_is_that_of_the_time_it_happened(ports: Ports) -> None:
    await opened(ports)
    [event] = kept(await book(ports, wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units("0.1"))))
    assert (event.terms.flow_value, event.terms.is_basis_assumed) == (money(4_500), True)
    late = wish(Kind.TRANSFER_IN, symbol=BTC, quantity=units("0.1"))
    [unknown] = await book(ports, replace(late, what=replace(late.what, effective_at=CLOCK.now() - timedelta(hours=1))))
    assert isinstance(unknown, EventReply)
    assert isinstance(unknown.event, RefusedCashEntry)
    assert unknown.event.refusal.error == "ValueUnknown"


# --- lost commits, in memory ------------------------------------------------------------------------------------------


async def in_memory() -> tuple[Ports, FakeLedger]:
    ledger = FakeLedger()
    ports: Any = type("InMemory", (), {"ledger": ledger})
    await opened(ports)
    return ports, ledger


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize(
    "wanted",
    [
        (wish(Kind.INTEREST, amount=money(1)), wish(Kind.INTEREST, "b", amount=money(2))),
        (wish(Kind.CHARGE, "c", amount=money(10**6)), wish(Kind.CHARGE, "d", amount=money(10**6))),
        (wish(Kind.CHARGE, "c", amount=money(10**6)), wish(Kind.INTEREST, amount=money(2))),
    ],
    ids=["booked", "refused", "both"],
)
async def test_events_whose_commit_was_lost_are_there_once(wanted: tuple[BookEvent, ...], committed: bool) -> None:
    ports, ledger = await in_memory()
    ledger.fail_next, ledger.fail_after_commit = OutcomeUnknown("lost"), committed
    await book(ports, *wanted)
    booked = [e for e in ledger.books.transactions.values() if e.transaction.event is not None]
    refused = [one.client_transaction_id for one in ledger.books.cash_refusals.values()]
    kinds = [one.what.kind for one in wanted]
    assert len(booked) == kinds.count(Kind.INTEREST)
    assert len(refused) == len(set(refused)) == kinds.count(Kind.CHARGE)
    await assert_proved(ports)


async def test_nothing_of_a_batch_is_there_when_the_books_are_away() -> None:
    ports, ledger = await in_memory()
    ledger.fail_next = LedgerUnavailable("away")
    with pytest.raises(LedgerUnavailable):
        await book(ports, *EVERY_KIND)
    assert not [e for e in ledger.books.transactions.values() if e.transaction.event is not None]
