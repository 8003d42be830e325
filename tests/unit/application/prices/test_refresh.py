import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from portfolio.application.announcer import Announcement, Announcer
from portfolio.application.errors import LeaseLost, LedgerUnavailable, OutcomeUnknown
from portfolio.application.prices.records import Fence, PriceUpdate
from portfolio.application.prices.refresh import PricesRefreshed, RefreshPrices
from portfolio.application.prices.sources import SourceCondition, SourceState
from portfolio.domain.mark import TRADE_SOURCE, Mark
from portfolio.domain.money import LIMIT, Money
from portfolio.domain.prices.quarantine import QuoteRules
from tests.support.fakes.clock import NOON, FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, SOL, LoadedLedger, RecordingPrices, ScriptedFeed, holding, price

FENCE = Fence(name="prices", holder="a", token=7)


class Desk:
    """A refresh of a portfolio of BTC at 100 and ETH at 10, with everything around it."""

    def __init__(self, *, with_second_opinion: bool = False) -> None:
        self.clock = FakeClock()
        self.ledger = LoadedLedger(holding({BTC: "100", ETH: "10"}, NOON - timedelta(minutes=1)))
        self.prices = RecordingPrices(self.ledger)
        self.feed = ScriptedFeed(self.clock, {BTC: "101", ETH: "11"})
        self.elsewhere = ScriptedFeed(self.clock, {}, "binance")
        self.told: list[Announcement] = []
        self.refresh = RefreshPrices(
            self.ledger.as_port(),
            self.prices,
            self.feed,
            self.clock,
            1,
            cross_check=self.elsewhere if with_second_opinion else None,
            rules=QuoteRules(),
            announce=Announcer(lambda _event, error: pytest.fail(str(error)), [self.told.append]),
        )


async def test_all_that_is_held_is_asked_for_at_once_and_written_once() -> None:
    desk = Desk()
    report = await desk.refresh(FENCE)
    assert desk.feed.asked == [[BTC, ETH]]
    [update] = desk.prices.updates
    assert {symbol: mark.price for symbol, mark in update.marks.items()} == {BTC: price(101), ETH: price(11)}
    assert update.marks[BTC].source == "coinbase"
    assert update.marks[BTC].at == NOON
    assert desk.prices.fences == [FENCE]
    assert report.refreshed == update.marks
    assert not report.failed
    assert not report.is_fruitless
    assert desk.refresh.last_report is report
    assert desk.refresh.last_refresh == NOON


async def test_one_lost_symbol_is_named_and_hurts_no_other() -> None:
    desk = Desk()
    del desk.feed.prices[ETH]
    report = await desk.refresh()
    assert set(report.refreshed) == {BTC}
    assert report.failed == {ETH: "scripted: none"}
    assert set(desk.prices.updates[0].marks) == {BTC}


async def test_a_price_that_makes_a_value_too_large_is_named_and_hurts_no_other() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({BTC: "4", ETH: "4"}, NOON - timedelta(minutes=1), quantity="10000000000000000000")
    desk.feed.prices = {BTC: "15", ETH: "5"}  # of 1e19 units: 15e19, and 5e19, which is still below 1e20
    report = await desk.refresh()
    assert set(report.refreshed) == {ETH}
    assert "out of range" in report.failed[BTC]


async def test_prices_that_make_a_sum_too_large_are_named_and_hurt_no_other() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({BTC: "1", ETH: "1", SOL: "1"}, NOON - timedelta(minutes=1), quantity=str(10**19))
    desk.feed.prices = {BTC: "3", ETH: "4", SOL: "5"}  # of 1e19 units each: 12e19, and without SOL's 8e19
    report = await desk.refresh()
    assert set(report.refreshed) == {BTC, ETH}
    assert "out of range" in report.failed[SOL]
    assert desk.ledger.portfolio.total_value < Money(LIMIT - 1)


async def test_an_execution_that_makes_a_sum_too_large_is_left_out_alone() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({BTC: "1", ETH: "1"}, NOON - timedelta(hours=1), quantity=str(10**19))
    desk.feed.prices = {}
    desk.prices.executions = {
        BTC: [Mark(price(11), TRADE_SOURCE, NOON)],
        ETH: [Mark(price(2), TRADE_SOURCE, NOON)],
    }
    await desk.refresh()
    assert set(desk.prices.updates[-1].marks) == {ETH}


async def test_a_stale_price_of_a_feed_gives_way_to_a_newer_execution_and_a_fresh_one_does_not() -> None:
    desk = Desk()
    desk.feed.prices = {}
    newer = Mark(price(120), TRADE_SOURCE, NOON)
    older = Mark(price(9), TRADE_SOURCE, NOON - timedelta(minutes=2))
    desk.prices.executions = {BTC: [newer], ETH: [older]}
    report = await desk.refresh()
    assert not desk.prices.updates[-1].marks  # the prices are a minute old
    desk.clock.advance(300)
    report = await desk.refresh()
    assert desk.prices.updates[-1].marks == {BTC: newer}
    assert desk.ledger.portfolio.position(BTC).mark == newer
    assert report.failed == dict.fromkeys((BTC, ETH), "scripted: none")
    assert desk.told[-1] == PricesRefreshed(1, 2, frozenset({BTC}), desk.clock.now())


async def test_a_fresh_price_of_a_feed_counts_before_any_execution() -> None:
    desk = Desk()
    desk.clock.advance(600)
    desk.prices.executions = {BTC: [Mark(price(120), TRADE_SOURCE, NOON + timedelta(seconds=599))]}
    await desk.refresh()
    assert {symbol: mark.source for symbol, mark in desk.prices.updates[-1].marks.items()} == {
        BTC: "coinbase",
        ETH: "coinbase",
    }


async def test_the_price_of_a_reversed_execution_gives_way_to_the_newest_one_left() -> None:
    desk = Desk()
    desk.feed.prices = {}
    mistaken, left = (Mark(price(p), TRADE_SOURCE, NOON - timedelta(hours=h)) for p, h in ((1, 1), (100, 2)))
    desk.ledger.portfolio = desk.ledger.portfolio.marked({BTC: mistaken})
    desk.prices.executions = {BTC: [left, mistaken]}
    await desk.refresh()
    assert not desk.prices.updates[-1].marks
    desk.prices.executions = {BTC: [left]}
    await desk.refresh()
    assert desk.prices.updates[-1].marks == {BTC: left}


def test_an_execution_takes_the_place_of_the_price_it_was_chosen_against_and_of_no_other() -> None:
    known, newer, newest = (Mark(price(p), TRADE_SOURCE, NOON + timedelta(hours=p)) for p in (1, 2, 3))
    held = holding({BTC: "1"}, NOON).marked({BTC: known})
    update = PriceUpdate(marks={BTC: newer}, at=NOON, since=0, instead_of={BTC: known})
    assert update.marks_for(held) == {BTC: newer}
    assert update.marks_for(held.marked({BTC: newest})) == {}


async def test_a_report_names_what_came_after_the_refresh_had_begun() -> None:
    desk = Desk()
    del desk.feed.prices[ETH]
    report = await desk.refresh()
    assert report.not_covered([BTC, ETH]) == {}
    assert report.not_covered([BTC, SOL]) == {SOL: "the refresh had begun before this was held"}


async def test_an_empty_portfolio_is_recorded_without_asking_anybody() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({}, NOON)
    report = await desk.refresh()
    assert desk.feed.asked == []
    assert [dict(update.marks) for update in desk.prices.updates] == [{}]
    assert not report.is_fruitless
    assert desk.refresh.last_refresh == NOON


async def test_while_nothing_is_held_and_nobody_ever_answered_a_known_asset_is_asked_for() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({}, NOON)
    desk.feed.state = SourceState(state=SourceCondition.NEVER_ANSWERED, last_error="connection refused")
    report = await desk.refresh()
    assert desk.feed.asked == [[BTC]]
    assert report.unreachable == "coinbase: connection refused"
    assert desk.refresh.last_refresh is None
    desk.feed.state = SourceState(state=SourceCondition.ANSWERING, last_success=NOON)
    report = await desk.refresh()
    assert desk.feed.asked == [[BTC]]
    assert report.unreachable is None
    assert desk.refresh.last_refresh == NOON


async def test_when_nothing_could_be_refreshed_the_day_is_still_recorded_but_counts_as_no_refresh() -> None:
    desk = Desk()
    desk.feed.prices.clear()
    report = await desk.refresh()
    assert report.is_fruitless
    assert set(report.failed) == {BTC, ETH}
    assert [dict(update.marks) for update in desk.prices.updates] == [{}]
    assert desk.refresh.last_refresh is None


async def test_a_position_without_any_price_is_missing_until_it_gets_one() -> None:
    desk = Desk()
    desk.ledger.portfolio = holding({BTC: "100", SOL: None}, NOON)
    assert (await desk.refresh()).missing == {SOL}
    desk.feed.prices[SOL] = "140"
    assert (await desk.refresh()).missing == frozenset()


async def test_a_price_converted_at_an_assumed_rate_is_named() -> None:
    desk = Desk()
    desk.feed.assumed_rate = True
    report = await desk.refresh()
    assert report.assumed_rate == {BTC, ETH}
    # Kept beside the price, so that every instance knows of it, and after a restart too.
    assert {mark.source for mark in report.refreshed.values()} == {"coinbase+assumed-rate"}
    assert all(mark.has_assumed_rate for mark in report.refreshed.values())
    desk.feed.assumed_rate = False
    assert not any(mark.has_assumed_rate for mark in (await desk.refresh()).refreshed.values())


async def test_an_old_quote_is_refused_with_its_time() -> None:
    desk = Desk()
    desk.feed.observed_ago = timedelta(minutes=6)
    assert (await desk.refresh()).failed[BTC] == "coinbase's price is from 2025-06-15T11:54:00Z"


async def test_a_jump_of_a_thousand_times_leaves_the_valuation_alone_and_is_listed() -> None:
    desk = Desk()
    desk.feed.prices[BTC] = "100000"
    report = await desk.refresh()
    assert set(desk.prices.updates[0].marks) == {ETH}
    assert set(report.quarantined) == set(desk.refresh.quarantined_in(desk.ledger.portfolio)) == {BTC}
    assert "quarantined" in report.failed[BTC]
    assert desk.refresh.quarantined_total == 1


async def test_what_another_instance_has_priced_meanwhile_is_no_longer_listed() -> None:
    desk = Desk()
    desk.feed.prices[BTC] = "100000"
    await desk.refresh()
    desk.ledger.portfolio = holding({BTC: "102", ETH: "10"}, NOON)
    assert not desk.refresh.quarantined_in(desk.ledger.portfolio)


async def test_a_jump_seen_at_three_ticks_over_two_minutes_is_believed() -> None:
    desk = Desk()
    desk.feed.prices[BTC] = "100000"
    believed = []
    for _ in range(3):
        believed.append(BTC in (await desk.refresh()).refreshed)
        desk.clock.advance(60)
    assert believed == [False, False, True]
    assert not desk.refresh.quarantined_in(desk.ledger.portfolio)


async def test_a_wall_clock_that_jumps_confirms_nothing() -> None:
    desk = Desk()
    desk.feed.prices[BTC] = "100000"
    for hour in range(4):
        desk.clock.set_wall_clock(NOON + timedelta(hours=hour))
        assert BTC not in (await desk.refresh()).refreshed


async def test_a_second_opinion_is_asked_for_wild_prices_only_and_confirms_them() -> None:
    desk = Desk(with_second_opinion=True)
    desk.feed.prices[BTC] = "100000"
    desk.elsewhere.prices[BTC] = "99000"
    report = await desk.refresh()
    assert desk.elsewhere.asked_elsewhere == [{BTC: "coinbase"}]
    assert report.refreshed[BTC].price == price(100000)


async def test_no_second_opinion_is_asked_while_nothing_is_wild() -> None:
    desk = Desk(with_second_opinion=True)
    desk.ledger.portfolio = holding({BTC: "100", ETH: None, SOL: "1"}, NOON)
    await desk.refresh()
    assert desk.elsewhere.asked_elsewhere == []


async def test_callers_share_the_running_refresh() -> None:
    desk = Desk()
    desk.feed.answers.clear()
    callers = [asyncio.create_task(desk.refresh()) for _ in range(20)]
    await desk.feed.was_asked.wait()
    desk.feed.answers.set()
    reports = await asyncio.gather(*callers)
    assert all(report is reports[0] for report in reports)
    assert len(desk.prices.updates) == 1


async def test_who_joined_a_refresh_that_lost_its_lease_gets_one_of_their_own() -> None:
    desk = Desk()
    desk.feed.answers.clear()
    tick, caller = asyncio.create_task(desk.refresh(FENCE)), asyncio.create_task(desk.refresh())
    await desk.feed.was_asked.wait()
    desk.prices.lost = FENCE
    desk.feed.answers.set()
    with pytest.raises(LeaseLost):
        await tick
    assert set((await caller).refreshed) == {BTC, ETH}
    assert desk.prices.fences == [None]


async def test_what_is_written_says_on_which_prices_the_refresh_began() -> None:
    desk = Desk()
    desk.ledger.portfolio = replace(desk.ledger.portfolio, price_revision=41)
    await desk.refresh()
    assert desk.prices.updates[0].since == 41


async def test_a_refresh_after_the_last_one_ended_is_a_new_one() -> None:
    desk = Desk()
    assert await desk.refresh() is not await desk.refresh()
    assert len(desk.prices.updates) == 2


async def test_a_caller_who_goes_away_takes_nothing_from_the_others() -> None:
    desk = Desk()
    desk.feed.answers.clear()
    first, second = asyncio.create_task(desk.refresh()), asyncio.create_task(desk.refresh())
    await desk.feed.was_asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    desk.feed.answers.set()
    assert set((await second).refreshed) == {BTC, ETH}


async def test_a_database_that_is_away_is_an_error_for_every_caller_and_the_next_refresh_starts_anew() -> None:
    desk = Desk()
    desk.prices.error = LedgerUnavailable("away")
    results = await asyncio.gather(desk.refresh(), desk.refresh(), return_exceptions=True)
    assert [type(result) for result in results] == [LedgerUnavailable] * 2
    assert desk.refresh.last_report is None
    desk.prices.error = None
    assert (await desk.refresh()).refreshed


async def test_closing_ends_the_running_refresh() -> None:
    desk = Desk()
    desk.feed.answers.clear()
    caller = asyncio.create_task(desk.refresh())
    await desk.feed.was_asked.wait()
    await desk.refresh.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert desk.prices.updates == []


async def test_closing_when_nothing_runs_does_nothing() -> None:
    await Desk().refresh.close()


async def test_each_refresh_is_told_once_with_the_revision_that_it_made() -> None:
    desk = Desk()
    await asyncio.gather(desk.refresh(), desk.refresh())
    del desk.feed.prices[ETH]
    desk.clock.advance(1)
    await desk.refresh()
    later = NOON + timedelta(seconds=1)
    assert desk.told == [
        PricesRefreshed(1, 1, frozenset({BTC, ETH}), NOON),
        PricesRefreshed(1, 2, frozenset({BTC}), later),
    ]


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), LeaseLost("late"), OutcomeUnknown("lost")])
async def test_a_refresh_that_was_not_written_is_not_told(error: Exception) -> None:
    desk = Desk()
    desk.prices.error = error
    with pytest.raises(type(error)):
        await desk.refresh(FENCE)
    assert not desk.told
