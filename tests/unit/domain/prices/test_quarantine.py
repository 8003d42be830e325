from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.domain.mark import Mark
from portfolio.domain.prices.quarantine import JudgedQuotes, Quarantine, QuoteRules
from portfolio.domain.prices.quote import Quote
from portfolio.domain.symbol import Symbol
from tests.support.fakes.clock import NOON
from tests.support.fakes.fake_prices import BTC, ETH, price

RULES = QuoteRules()


def quote(text: str, source: str = "coinbase", *, symbol: Symbol = BTC, age_seconds: int = 0) -> Quote:
    return Quote(symbol=symbol, price=price(text), source=source, observed_at=NOON - timedelta(seconds=age_seconds))


def marked(text: str | None) -> Mapping[Symbol, Mark | None]:
    return {BTC: None if text is None else Mark(price(text), "coinbase", NOON)}


@dataclass
class Ticks:
    """A quarantine that goes from tick to tick; the known price stays as it is."""

    mark: str = "100"
    mark_at: datetime = NOON
    state: Quarantine = field(default_factory=Quarantine)

    def see(self, seen: Quote, *, at: int = 0, other: Quote | None = None) -> JudgedQuotes:
        judged = self.state.judge(
            {BTC: seen},
            {BTC: Mark(price(self.mark), "coinbase", self.mark_at)},
            others={} if other is None else {BTC: other},
            now=NOON,
            uptime=timedelta(seconds=at),
        )
        self.state = judged.quarantine
        return judged


@pytest.mark.parametrize("text", ["40", "100", "500", "20"])
def test_a_price_within_five_times_of_the_last_is_believed(text: str) -> None:
    judged = Ticks().see(quote(text))
    assert judged.believed[BTC].price == price(text)
    assert not judged.quarantine.suspects


@pytest.mark.parametrize("text", ["100000", "0.1", "500.01", "19.99"])
def test_a_wild_price_is_quarantined_and_counted(text: str) -> None:
    judged = Ticks().see(quote(text))
    assert not judged.believed
    assert judged.refused[BTC] == f"quarantined: coinbase says {text} after 100"
    assert judged.quarantine.suspects[BTC].quote.price == price(text)
    assert judged.quarantine.caught == 1


def test_a_first_price_has_nothing_to_be_wild_against() -> None:
    judged = Quarantine().judge({BTC: quote("100000")}, marked(None), others={}, now=NOON, uptime=timedelta())
    assert BTC in judged.believed


def test_nothing_is_wild_against_a_price_of_zero() -> None:
    assert Ticks(mark="0").see(quote("100000")).believed


def test_another_source_that_agrees_confirms_at_once() -> None:
    judged = Ticks().see(quote("100000"), other=quote("91000", "binance"))
    assert judged.believed[BTC].source == "coinbase"
    assert not judged.quarantine.suspects


def test_another_source_at_a_later_tick_confirms() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"))
    judged = ticks.see(quote("99000", "binance"), at=60)
    assert judged.believed[BTC].source == "binance"
    assert not judged.quarantine.suspects


def test_the_same_source_asked_twice_confirms_nothing() -> None:
    assert not Ticks().see(quote("100000"), other=quote("100000")).believed


def test_an_old_second_opinion_confirms_nothing() -> None:
    assert not Ticks().see(quote("100000"), other=quote("100000", "binance", age_seconds=301)).believed


def test_another_source_that_disagrees_leaves_the_known_price_alone() -> None:
    judged = Ticks().see(quote("100000"), other=quote("101", "binance"))
    assert not judged.believed
    assert BTC in judged.quarantine.suspects


def test_three_ticks_over_two_minutes_confirm() -> None:
    ticks = Ticks()
    assert not ticks.see(quote("100000"), at=0).believed
    assert not ticks.see(quote("101000"), at=60).believed
    judged = ticks.see(quote("102000"), at=120)
    assert judged.believed[BTC].price == price("102000")
    assert not judged.quarantine.suspects
    assert judged.quarantine.caught == 2


def test_three_ticks_within_two_minutes_do_not_confirm_however_many() -> None:
    ticks = Ticks()
    assert not any(ticks.see(quote("100000"), at=second).believed for second in range(0, 120, 10))


def test_two_ticks_do_not_confirm_however_far_apart() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"), at=0)
    assert not ticks.see(quote("100000"), at=10_000).believed


def test_wild_prices_that_disagree_with_each_other_begin_anew() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"), at=0)
    ticks.see(quote("200000"), at=60)
    assert not ticks.see(quote("200000"), at=120).believed
    assert ticks.see(quote("200000"), at=180).believed


def test_a_plausible_price_ends_the_suspicion() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"), at=0)
    ticks.see(quote("100000"), at=60)
    assert ticks.see(quote("101"), at=100).believed
    assert not ticks.state.suspects
    assert not ticks.see(quote("100000"), at=120).believed


def test_a_plausible_price_that_another_instance_believed_ends_the_suspicion_too() -> None:
    ticks = Ticks()
    for second in (0, 60):
        ticks.see(quote("100000"), at=second)
    ticks.mark_at = NOON - timedelta(seconds=1)
    assert not ticks.see(quote("100000"), at=3600).believed
    assert ticks.state.suspects[BTC].sightings == 1
    # What was believed here against a source that insists is no other's: its suspicion goes on.
    ticks.see(quote("100000"), at=3660)
    other = quote("101", "binance", age_seconds=7)
    assert ticks.see(quote("100000"), at=3720, other=other).believed[BTC] == other
    ticks.mark_at = other.observed_at
    assert ticks.see(quote("100000"), at=3780).believed


def test_a_source_that_insists_against_a_plausible_other_loses_to_it() -> None:
    ticks = Ticks()
    other = quote("101", "binance")
    for second in (0, 60):
        assert not ticks.see(quote("100000"), at=second, other=other).believed
    judged = ticks.see(quote("100000"), at=120, other=other)
    assert judged.believed[BTC] == other
    assert BTC not in judged.refused
    assert BTC in judged.quarantine.suspects  # still shown: coinbase is not believed
    assert judged.quarantine.caught == 3


def test_a_source_that_insists_wins_where_the_other_is_wilder_still() -> None:
    ticks = Ticks()
    other = quote("100000000", "binance")
    for second in (0, 60):
        ticks.see(quote("100000"), at=second, other=other)
    assert ticks.see(quote("100000"), at=120, other=other).believed[BTC].source == "coinbase"


def test_a_tick_without_a_quote_leaves_the_suspicion_standing() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"))
    judged = ticks.state.judge({}, marked("100"), others={}, now=NOON, uptime=timedelta(seconds=60))
    assert BTC in judged.quarantine.suspects
    assert not judged.refused


def test_what_is_no_longer_held_leaves_the_quarantine() -> None:
    ticks = Ticks()
    ticks.see(quote("100000"))
    judged = ticks.state.judge({}, {ETH: None}, others={}, now=NOON, uptime=timedelta())
    assert not judged.quarantine.suspects
    assert judged.quarantine.caught == 1


@pytest.mark.parametrize("age", [301, -301])
def test_a_quote_from_another_time_is_refused(age: int) -> None:
    judged = Ticks().see(quote("100", age_seconds=age))
    assert not judged.believed
    assert judged.refused[BTC].startswith("coinbase's price is from 2025-06-15T1")


def test_a_quote_of_exactly_the_maximum_age_is_believed() -> None:
    assert Ticks().see(quote("100", age_seconds=300)).believed


def test_a_quote_for_what_is_not_held_is_left_alone() -> None:
    judged = Quarantine().judge({ETH: quote("1", symbol=ETH)}, marked("100"), others={}, now=NOON, uptime=timedelta())
    assert not judged.believed
    assert not judged.refused


PRICES = st.decimals(min_value=Decimal("1e-9"), max_value=Decimal("1e15"), places=9)


@given(st.lists(st.tuples(PRICES, st.integers(1, 59)), min_size=1, max_size=20))
def test_the_same_source_never_moves_a_price_more_than_five_times_within_two_minutes(
    seen: list[tuple[Decimal, int]],
) -> None:
    ticks, clock, known = Ticks(), 0, [(0, Decimal(100))]
    for value, wait in seen:
        clock += wait
        judged = ticks.see(quote(format(value, "f")), at=clock)
        if BTC in judged.believed:
            ticks.mark = format(value, "f")
            before = known[-1][1]
            if max(value, before) > 5 * min(value, before):
                assert clock - known[0][0] >= 120
            known.append((clock, value))


@given(PRICES, PRICES)
def test_being_wild_and_agreeing_do_not_depend_on_the_order(one: Decimal, other: Decimal) -> None:
    a, b = price(format(one, "f")), price(format(other, "f"))
    assert RULES.is_wild(a, b) == RULES.is_wild(b, a)
    assert RULES.agree(a, b) == RULES.agree(b, a)
    assert not (RULES.is_wild(a, b) and RULES.agree(a, b))
