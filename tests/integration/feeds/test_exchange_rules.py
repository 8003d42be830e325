"""The rules of exchanges, over real HTTP: what they say in their own shapes, and what nobody should believe."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from portfolio.adapters.feeds.exchange_rules import MOST_PAIRS
from portfolio.adapters.feeds.exchanges import Exchanges
from portfolio.application.errors import FeedFailed
from portfolio.domain.prices.exchange_rules import ExchangeRules, UnknownRules
from portfolio.domain.symbol import Symbol
from tests.support.exchanges import exchange_faults as faults
from tests.support.exchanges.exchange import StandInExchange
from tests.support.exchanges.exchange_faults import Fault
from tests.support.exchanges.exchange_pairs import Change
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.fake_prices import BTC, ETH, SOL

SHIB = Symbol("SHIB")
COINBASE_BTC = ExchangeRules(
    venue="coinbase",
    quote="USD",
    step=Decimal("0.00000001"),
    tick=Decimal("0.01"),
    min_quantity=Decimal(0),
    min_notional=Decimal(1),
)


async def test_coinbase_says_how_finely_it_trades(exchanges: Exchanges) -> None:
    found = await exchanges.rules["coinbase"].rules()
    assert found[BTC] == COINBASE_BTC
    assert found[SHIB] == ExchangeRules(
        venue="coinbase",
        quote="USD",
        step=Decimal(1),
        tick=Decimal("0.00000001"),
        min_quantity=Decimal(0),
        min_notional=Decimal(1),
    )


async def test_binance_says_how_finely_it_trades_and_its_least_order_is_converted(exchanges: Exchanges) -> None:
    # 5 USDT, of which each is worth 0.9995 dollars, as Coinbase says.
    found = await exchanges.rules["binance"].rules()
    assert found[BTC] == ExchangeRules(
        venue="binance",
        quote="USDT",
        step=Decimal("0.00001"),
        tick=Decimal("0.01"),
        min_quantity=Decimal("0.00001"),
        min_notional=Decimal("4.9975"),
    )
    assert Symbol("USDT") not in found


async def test_each_list_is_asked_for_once_and_without_what_makes_it_large(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    await exchanges.rules["coinbase"].rules()
    await exchanges.rules["binance"].rules()
    assert [(call.path, call.query) for call in exchange.calls if call.kind != "spot"] == [
        ("/products", ""),
        ("/api/v3/exchangeInfo", "showPermissionSets=false&symbolStatus=TRADING"),
    ]


def set_to(**fields: object) -> Change:
    """Give a product or a pair these fields."""
    return lambda listed: listed.update(fields)


def without(*names: str) -> Change:
    """Take fields away."""
    return lambda listed: [listed.pop(name) for name in names]


def with_filter(kind: str, **fields: object) -> Change:
    """Give one filter of a pair these fields."""
    return lambda pair: next(one for one in pair["filters"] if one["filterType"] == kind).update(fields)


def without_filter(kind: str) -> Change:
    """Take a filter away."""
    return lambda pair: pair.update(filters=[one for one in pair["filters"] if one["filterType"] != kind])


def with_second(kind: str) -> Change:
    """Give a pair a filter twice."""
    return lambda pair: pair["filters"].append(next(one for one in pair["filters"] if one["filterType"] == kind))


def list_all(exchange: StandInExchange, listed: dict[str, Change], changes: Sequence[Change]) -> None:
    """List an asset for each change, S0, S1 and so on, which is made to it; one answer has them all."""
    for number, change in enumerate(changes):
        exchange.market.set(f"S{number}", "81401.385")
        listed[f"S{number}"] = change


WRONG_PRODUCTS = [
    (set_to(base_increment="0"), "base_increment 0: has to be above zero"),
    (set_to(base_increment="0.00000000"), "base_increment 0: has to be above zero"),
    (set_to(base_increment="-0.01"), "base_increment is below zero"),
    (set_to(base_increment="NaN"), "base_increment is no plain number"),
    (set_to(base_increment="Infinity"), "base_increment is no plain number"),
    (set_to(base_increment="1e-30"), "base_increment 1E-30: finer than 18 decimals"),
    (set_to(base_increment="1e99"), "base_increment 1E+99: no exchange asks for that much"),
    (set_to(base_increment=0.01), "base_increment is missing, or no text"),
    (set_to(base_increment={}), "base_increment is missing, or no text"),
    (set_to(base_increment=None), "base_increment is missing, or no text"),
    (without("base_increment"), "base_increment is missing, or no text"),
    (without("quote_increment"), "quote_increment is missing, or no text"),
    (set_to(quote_increment="0"), "quote_increment 0: has to be above zero"),
    (without("min_market_funds"), "min_market_funds is missing, or no text"),
    (set_to(min_market_funds="0"), "min_market_funds 0: has to be above zero"),
    (set_to(min_market_funds="1000000000"), "min_market_funds 1000000000: no exchange asks for that much"),
    (set_to(base_currency="ETH"), "BTC-USD is said to be of other currencies"),
    (set_to(quote_currency="EUR"), "BTC-USD is said to be of other currencies"),
]


async def test_a_product_that_cannot_be_is_unknown_and_the_others_are_not(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    list_all(exchange, exchange.market.rules.products, [change for change, _ in WRONG_PRODUCTS])
    found = await exchanges.rules["coinbase"].rules()
    for number, (_, reason) in enumerate(WRONG_PRODUCTS):
        assert found[Symbol(f"S{number}")] == UnknownRules(f"coinbase: {reason.replace('BTC', f'S{number}')}")
    assert isinstance(found[ETH], ExchangeRules)


RESTING_PRODUCTS = [
    set_to(status="delisted"),
    without("status"),
    set_to(trading_disabled=True),
    set_to(cancel_only=True),
    set_to(trading_disabled="no"),
]


async def test_what_coinbase_does_not_trade_now_is_unknown(exchange: StandInExchange, exchanges: Exchanges) -> None:
    list_all(exchange, exchange.market.rules.products, RESTING_PRODUCTS)
    found = await exchanges.rules["coinbase"].rules()
    for number in range(len(RESTING_PRODUCTS)):
        assert found[Symbol(f"S{number}")] == UnknownRules("coinbase does not trade it now")


WRONG_PAIRS = [
    (with_filter("LOT_SIZE", stepSize="0.00000000"), "stepSize 0: has to be above zero"),
    (with_filter("LOT_SIZE", stepSize="-1"), "stepSize is below zero"),
    (with_filter("LOT_SIZE", stepSize="NaN"), "stepSize is no plain number"),
    (with_filter("LOT_SIZE", stepSize="1e90"), "stepSize 1E+90: no exchange asks for that much"),
    (with_filter("LOT_SIZE", minQty="-1"), "minQty is below zero"),
    (with_filter("LOT_SIZE", minQty=None), "minQty is missing, or no text"),
    (without_filter("LOT_SIZE"), "no filter LOT_SIZE"),
    (with_second("LOT_SIZE"), "two filters LOT_SIZE"),
    (with_second("MARKET_LOT_SIZE"), "two filters MARKET_LOT_SIZE"),
    (
        with_filter("MARKET_LOT_SIZE", stepSize="0.00003000000001"),
        "the stepSize of LOT_SIZE and that of MARKET_LOT_SIZE do not fit",
    ),
    (with_filter("MARKET_LOT_SIZE", stepSize="1e150"), "numbers that cannot be"),
    (without_filter("NOTIONAL"), "no filter NOTIONAL"),
    (with_second("NOTIONAL"), "two filters NOTIONAL"),
    (with_filter("NOTIONAL", minNotional="0"), "minNotional 0: has to be above zero"),
    (with_filter("NOTIONAL", minNotional="5000"), "minNotional 4997.5: no exchange asks for that much"),
    (with_filter("NOTIONAL", minNotional="1e150"), "numbers that cannot be"),
    (without_filter("PRICE_FILTER"), "no filter PRICE_FILTER"),
    (with_filter("PRICE_FILTER", tickSize="0"), "tickSize 0: has to be above zero"),
    (set_to(filters=None), "no filter LOT_SIZE"),
    (set_to(filters="LOT_SIZE"), "no filter LOT_SIZE"),
    (set_to(filters=[1, [], None]), "no filter LOT_SIZE"),
    (without("filters"), "no filter LOT_SIZE"),
    (set_to(baseAsset="ETH"), "BTCUSDT is said to be of other assets"),
    (set_to(quoteAsset="USDC"), "BTCUSDT is said to be of other assets"),
]


async def test_a_pair_that_cannot_be_is_unknown_and_the_others_are_not(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    list_all(exchange, exchange.market.rules.pairs, [change for change, _ in WRONG_PAIRS])
    found = await exchanges.rules["binance"].rules()
    for number, (_, reason) in enumerate(WRONG_PAIRS):
        assert found[Symbol(f"S{number}")] == UnknownRules(f"binance: {reason.replace('BTC', f'S{number}')}")
    assert isinstance(found[ETH], ExchangeRules)


RESTING_PAIRS = [set_to(status="HALT"), set_to(isSpotTradingAllowed=False), without("isSpotTradingAllowed")]


async def test_what_binance_does_not_trade_now_is_unknown(exchange: StandInExchange, exchanges: Exchanges) -> None:
    list_all(exchange, exchange.market.rules.pairs, RESTING_PAIRS)
    found = await exchanges.rules["binance"].rules()
    for number in range(len(RESTING_PAIRS)):
        assert found[Symbol(f"S{number}")] == UnknownRules("binance does not trade it now")


@pytest.mark.parametrize(
    ("change", "step", "least"),
    [
        (without_filter("MARKET_LOT_SIZE"), "0.00001", "0.00001"),
        (with_filter("MARKET_LOT_SIZE", stepSize="0.00100000", minQty="0.00200000"), "0.001", "0.002"),
        (with_filter("MARKET_LOT_SIZE", stepSize="0.00000100"), "0.00001", "0.00001"),
    ],
    ids=itertools.count(),
)
async def test_a_quantity_fits_the_steps_of_all_orders_and_of_those_at_the_market(
    exchange: StandInExchange, exchanges: Exchanges, change: Change, step: str, least: str
) -> None:
    exchange.market.rules.pairs["BTC"] = change
    found = (await exchanges.rules["binance"].rules())[BTC]
    assert isinstance(found, ExchangeRules)
    assert (found.step, found.min_quantity) == (Decimal(step), Decimal(least))


@pytest.mark.parametrize("venue", ["coinbase", "binance"])
async def test_what_is_named_twice_is_unknown_and_what_is_no_entry_is_none(
    exchange: StandInExchange, exchanges: Exchanges, venue: str
) -> None:
    rules = exchange.market.rules
    seen: list[dict[str, Any]] = []
    (rules.products if venue == "coinbase" else rules.pairs)["BTC"] = seen.append
    rules.extra = [1, None, [], {}, {"id": "é-USD", "symbol": "éUSDT"}, {"id": "-USD", "symbol": "USDT"}, {"id": 7}]
    assert isinstance((await exchanges.rules[venue].rules())[BTC], ExchangeRules)
    rules.extra = [seen[0]]
    found = await exchanges.rules[venue].rules()
    assert found[BTC] == UnknownRules(f"{venue} names it twice")
    assert isinstance(found[SOL], ExchangeRules)


async def test_a_field_that_is_given_twice_is_as_if_missing(exchange: StandInExchange, exchanges: Exchanges) -> None:
    body = b"""[{"id": "BTC-USD", "base_currency": "BTC", "quote_currency": "USD", "status": "online",
        "quote_increment": "0.01", "base_increment": "0.01", "base_increment": "0.1", "min_market_funds": "1"}]"""
    exchange.fail("products", Fault(body=body))
    found = await exchanges.rules["coinbase"].rules()
    assert found == {BTC: UnknownRules("coinbase: base_increment is missing, or no text")}


HOSTILE = [
    Fault(body=b"[" + b" " * 65_534, repeat=160),
    faults.HTML,
    faults.TRUNCATED,
    Fault(body=b'[{"id": "BTC-USD", "base_increment": NaN}]'),
    faults.NESTED,
    faults.UTF16,
    Fault(body=b"[]"),
    Fault(body=b'{"symbols": 7}'),
    faults.SERVER_ERROR,
    faults.FIREWALL,
    faults.HANG_UP,
]


@pytest.mark.parametrize(("venue", "kind"), [("coinbase", "products"), ("binance", "exchange_info")])
async def test_an_answer_that_is_no_list_fails_and_its_prices_go_on(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock, venue: str, kind: str
) -> None:
    for fault in HOSTILE:
        exchange.fail(kind, fault)
        with pytest.raises(FeedFailed):
            await exchanges.rules[venue].rules()
        assert [state.last_error for state in exchanges.prices.states().values()] == [None, None]
        assert set((await exchanges.fallback.quotes([BTC])).quotes) == {BTC}
        exchange.heal()
        clock.advance(600)  # a circuit that has opened is tried again
        assert isinstance((await exchanges.rules[venue].rules())[BTC], ExchangeRules)


async def test_more_pairs_than_an_exchange_can_have_are_no_list(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.market.rules.extra = [{"id": f"X{number}-USD"} for number in range(MOST_PAIRS)]
    with pytest.raises(FeedFailed, match="more than 5000 pairs"):
        await exchanges.rules["coinbase"].rules()


async def test_without_a_known_worth_of_a_tether_binance_is_not_asked(
    exchange: StandInExchange, exchanges: Exchanges
) -> None:
    exchange.fail("coinbase", faults.SERVER_ERROR)
    with pytest.raises(FeedFailed, match="nobody knows what a USDT is worth"):
        await exchanges.rules["binance"].rules()
    assert exchange.count("exchange_info") == 0


@pytest.mark.parametrize("fault", [faults.binance_limit(), faults.RESTRICTED], ids=["rests", "off"])
async def test_while_binance_rests_or_is_off_its_rules_are_not_asked_for(
    exchange: StandInExchange, exchanges: Exchanges, clock: FakeClock, fault: Fault
) -> None:
    exchange.fail("ticker", fault)
    await exchanges.fallback.quotes([BTC])
    with pytest.raises(FeedFailed, match="not asked while its prices are not"):
        await exchanges.rules["binance"].rules()
    assert exchange.count("exchange_info") == 0


async def test_an_answer_of_megabytes_is_read(exchange: StandInExchange, exchanges: Exchanges) -> None:
    # As large as Binance's own: about 1,500 pairs of 2 kB.
    seen: list[dict[str, Any]] = []
    keep: Callable[[dict[str, Any]], object] = seen.append
    exchange.market.rules.pairs["BTC"] = keep
    await exchanges.rules["binance"].rules()
    names = [f"X{number}" for number in range(1_500)]
    exchange.market.rules.extra = [{**seen[0], "symbol": f"{name}USDT", "baseAsset": name} for name in names]
    found = await exchanges.rules["binance"].rules()
    assert sum(isinstance(one, ExchangeRules) for one in found.values()) > 1_500
