"""The rules of exchanges: how finely quantities and prices go, and how little is traded.

What the fields mean is in the exchanges' own documentation:
https://developers.binance.com/docs/binance-spot-api-docs/filters and
https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-single-product
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any, Final

import msgspec

from portfolio.adapters.feeds.breaker import Circuit
from portfolio.adapters.feeds.errors import NotAsked, SourceError, SourceFailed
from portfolio.adapters.feeds.exchange_client import ExchangeClient, readable
from portfolio.adapters.feeds.tether import TetherRate
from portfolio.adapters.feeds.throttle import Throttle
from portfolio.application.errors import FeedFailed
from portfolio.domain.errors import DomainError, InvalidAmount, InvalidSymbol
from portfolio.domain.money import EXACT, STEP
from portfolio.domain.prices.exchange_rules import ExchangeRules, Rules, UnknownRules
from portfolio.domain.prices.quote import decimal_of
from portfolio.domain.symbol import Symbol

MOST_PAIRS: Final = 5_000
"""No exchange lists more against one currency: what names more is no list of its pairs."""

_USD, _USDT = "USD", "USDT"


class _Product(msgspec.Struct):
    """A product of Coinbase, as far as it matters."""

    id: str
    base_currency: Any = None
    quote_currency: Any = None
    base_increment: Any = None
    quote_increment: Any = None
    min_market_funds: Any = None
    status: Any = None
    trading_disabled: Any = False
    cancel_only: Any = False


class _Pair(msgspec.Struct, rename="camel"):
    """A symbol of Binance, as far as it matters."""

    symbol: str
    status: Any = None
    base_asset: Any = None
    quote_asset: Any = None
    is_spot_trading_allowed: Any = None
    filters: Any = None


class _ExchangeInfo(msgspec.Struct):
    symbols: list[Any]


class CoinbaseRules:
    """The rules of the pairs in dollars at Coinbase Exchange.

    ``base_increment`` is the step, ``quote_increment`` the tick, ``min_market_funds`` the least order in dollars. There
    is no least quantity.
    """

    def __init__(self, client: ExchangeClient, throttle: Throttle) -> None:
        self._client = client
        self._throttle = throttle

    async def rules(self) -> Mapping[Symbol, Rules]:
        source = self._client.source
        try:
            await self._throttle.turn()
            products = readable(await self._client.get("products", {}, list[Any]), _Product)
            in_dollars = (product for product in products if product.id.endswith(f"-{_USD}"))
            return _by_symbol(source, ((p.id.removesuffix(f"-{_USD}"), _read(source, p)) for p in in_dollars))
        except SourceError as error:
            raise FeedFailed(source, error.reason) from error


class BinanceRules(msgspec.Struct):
    """The rules of the pairs in USDT at Binance.

    ``LOT_SIZE`` holds for all orders, ``MARKET_LOT_SIZE`` for those at the market's price beside it: a quantity fits
    both. There a step of 0 is how Binance writes that it has none of its own. ``NOTIONAL`` has the least order, which
    is converted by what a USDT is worth; without a known worth nothing is told. ``PRICE_FILTER`` has the tick.
    ``client`` asks; ``prices`` is the client of prices: while that one rests, Binance is not asked here.
    """

    client: ExchangeClient
    prices: ExchangeClient
    tether: TetherRate
    learn_tether: Callable[[], Coroutine[None, None, None]]

    async def rules(self) -> Mapping[Symbol, Rules]:
        source = self.client.source
        try:
            if self.prices.circuit in {Circuit.OPEN, Circuit.OFF}:
                raise NotAsked("not asked while its prices are not")
            await self.learn_tether()
            rate, is_assumed = self.tether.in_dollars()
            if is_assumed:
                raise SourceFailed("least orders are in USDT, and nobody knows what a USDT is worth")
            query = {"showPermissionSets": "false", "symbolStatus": "TRADING"}
            info = await self.client.get("api/v3/exchangeInfo", query, _ExchangeInfo)
            pairs = (pair for pair in readable(info.symbols, _Pair) if pair.symbol.endswith(_USDT))
            return _by_symbol(
                source, ((p.symbol.removesuffix(_USDT), _read_pair(source, p, rate.value)) for p in pairs)
            )
        except SourceError as error:
            raise FeedFailed(source, error.reason) from error


def _by_symbol(source: str, found: Iterable[tuple[str, Rules]]) -> Mapping[Symbol, Rules]:
    """Return rules by symbol; of what is named twice they are unknown, and what is no symbol cannot be held."""
    by_symbol: dict[Symbol, Rules] = {}
    for code, rules in found:
        try:
            symbol = Symbol(code)
        except InvalidSymbol:
            continue
        by_symbol[symbol] = UnknownRules(f"{source} names it twice") if symbol in by_symbol else rules
        if len(by_symbol) > MOST_PAIRS:
            raise SourceFailed(f"answered more than {MOST_PAIRS} pairs")
    if not by_symbol:
        raise SourceFailed("answered no pair")
    return by_symbol


def _read(source: str, product: _Product) -> Rules:
    if (product.base_currency, product.quote_currency) != (product.id.removesuffix(f"-{_USD}"), _USD):
        return UnknownRules(f"{source}: {product.id} is said to be of other currencies")
    if product.status != "online" or product.trading_disabled is not False or product.cancel_only is not False:
        return UnknownRules(f"{source} does not trade it now")
    names = {"step": "base_increment", "tick": "quote_increment", "min_notional": "min_market_funds"}
    try:
        numbers = {field: _number(name, getattr(product, name)) for field, name in names.items()}
        return ExchangeRules(venue=source, quote=_USD, min_quantity=Decimal(0), **numbers)
    except (DomainError, ArithmeticError) as error:
        return _unknown(source, error, names)


def _read_pair(source: str, pair: _Pair, rate: Decimal) -> Rules:
    if (pair.base_asset, pair.quote_asset) != (pair.symbol.removesuffix(_USDT), _USDT):
        return UnknownRules(f"{source}: {pair.symbol} is said to be of other assets")
    if pair.status != "TRADING" or pair.is_spot_trading_allowed is not True:
        return UnknownRules(f"{source} does not trade it now")
    try:
        lot, price, notional = (_filter(pair, kind) for kind in ("LOT_SIZE", "PRICE_FILTER", "NOTIONAL"))
        market = _filter(pair, "MARKET_LOT_SIZE", otherwise={"stepSize": "0", "minQty": "0"})
        dollars = EXACT.multiply(_number("minNotional", notional.get("minNotional")), rate)
        return ExchangeRules(
            venue=source,
            quote=_USDT,
            step=_common(*(_number("stepSize", found.get("stepSize")) for found in (lot, market))),
            tick=_number("tickSize", price.get("tickSize")),
            min_quantity=max(_number("minQty", found.get("minQty")) for found in (lot, market)),
            min_notional=dollars.quantize(STEP, rounding=ROUND_UP, context=EXACT),
        )
    except (DomainError, ArithmeticError) as error:
        names = {"step": "stepSize", "tick": "tickSize", "min_quantity": "minQty", "min_notional": "minNotional"}
        return _unknown(source, error, names)


def _filter(pair: _Pair, kind: str, *, otherwise: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """Return the one filter of a kind; ``otherwise`` where there is none, if there need not be one.

    Raises:
        InvalidAmount: there is none, or there are two.
    """
    match list(_filters(pair.filters, kind)):
        case [only]:
            return only
        case [] if otherwise is not None:
            return otherwise
        case found:
            raise InvalidAmount("", f"{'two filters' if found else 'no filter'} {kind}")


def _filters(filters: object, kind: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(filters, Sequence):
        yield from (found for found in filters if isinstance(found, dict) and found.get("filterType") == kind)


def _common(step: Decimal, market_step: Decimal) -> Decimal:
    """Return the step that fits both; that of market orders may be 0, which is none.

    Raises:
        InvalidAmount: one is below zero, or neither is a multiple of the other.
    """
    if not market_step:
        return step
    fine, coarse = sorted((step, market_step))
    if fine <= 0 or EXACT.remainder(coarse, fine):
        raise InvalidAmount("", "the stepSize of LOT_SIZE and that of MARKET_LOT_SIZE do not fit")
    return coarse


def _number(name: str, value: object) -> Decimal:
    """Return a number that was written as text.

    Raises:
        InvalidAmount: there is none, or it is no plain number, or below zero.
    """
    if not isinstance(value, str):
        raise InvalidAmount("", f"{name} is missing, or no text")
    try:
        number = decimal_of(value)
    except InvalidAmount:
        raise InvalidAmount("", f"{name} is no plain number") from None
    if number < 0:
        raise InvalidAmount("", f"{name} is below zero")
    return number


def _unknown(source: str, error: Exception, names: Mapping[str, str]) -> UnknownRules:
    """Return what is wrong, by the exchange's own name of the field; what no arithmetic takes is no such number."""
    if not isinstance(error, InvalidAmount):
        return UnknownRules(f"{source}: numbers that cannot be")
    field = f"{names[error.field]} " if error.field else ""
    return UnknownRules(f"{source}: {field}{error}")
