"""ghostfolio's export: activities. Midnights, floats, tickers of Yahoo and slugs of CoinGecko."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portfolio.domain.imports.events import Origin, Part, market_trade, sides, single
from portfolio.domain.imports.moments import moment_in
from portfolio.domain.imports.reading import ZERO, Reading, not_below_zero
from portfolio.domain.imports.records import BY_HAND, Ignored, Kind, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import MONEY, symbol_in
from portfolio.domain.money import EXACT, round_to_step

_SLUGS = {
    "aave": "AAVE", "algorand": "ALGO", "avalanche-2": "AVAX", "binancecoin": "BNB", "bitcoin": "BTC",
    "bitcoin-cash": "BCH", "cardano": "ADA", "chainlink": "LINK", "cosmos": "ATOM", "dai": "DAI", "dogecoin": "DOGE",
    "ethereum": "ETH", "ethereum-classic": "ETC", "litecoin": "LTC", "matic-network": "MATIC", "monero": "XMR",
    "near": "NEAR", "polkadot": "DOT", "polygon-ecosystem-token": "POL", "ripple": "XRP", "shiba-inu": "SHIB",
    "solana": "SOL", "stellar": "XLM", "tether": "USDT", "tezos": "XTZ", "the-open-network": "TON", "tron": "TRX",
    "uniswap": "UNI", "usd-coin": "USDC", "zcash": "ZEC",
}  # fmt: skip


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what the activities become."""
    return each(rows, lambda row: _activity(row, how))


def _activity(row: Row, how: Reading) -> Iterator[Outcome]:
    kind, at = row.text("type").upper(), moment_in(row.text("date"), how.zone, order=how.date_order)
    if kind == "LIABILITY":
        yield Ignored(row.place, "a liability: nothing moved")
        return
    if at > how.now or row.values.get("isDraft") is True:
        yield Ignored(row.place, "a draft: it lies in the future")
        return
    currency, fee = symbol_in(row.text("currency")), how.unsigned_or_zero(row, "fee")
    origin, fees = Origin((row.place,), at, row.text("id") or None), [Part(currency, fee)]
    quantity = how.unsigned_or_zero(row, "quantity")
    price = not_below_zero("unitPrice", how.price(row, "unitPrice") or ZERO)
    amount = round_to_step(EXACT.multiply(quantity, price))
    if kind in {"BUY", "SELL"}:
        pair = sides(row.side("type"), Part(_asset(row, currency), quantity), Part(currency, amount))
        yield from market_trade(origin, *pair, fees, price)
    elif kind in {"DIVIDEND", "INTEREST"} and amount > 0:
        yield from single(origin, Kind.REWARD, Part(currency, amount), fees)
    elif kind == "FEE" and (fee or amount):
        yield from single(origin, Kind.FEE, Part(currency, EXACT.minus(fee or amount)))
    else:
        raise RowRefused(f"type {kind[:40]!r} of quantity {quantity} has no event", BY_HAND)


def _asset(row: Row, currency: str) -> str:
    """Return the asset of an activity; raises RowRefused where its symbol is not one of a coin."""
    symbol, source = row.text("symbol"), row.text("dataSource").upper()
    if source == "COINGECKO" and symbol.lower() in _SLUGS:
        return _SLUGS[symbol.lower()]
    asset = symbol.upper().removesuffix(currency).removesuffix("-")
    if source == "YAHOO" and symbol.upper().endswith(currency) and asset and currency in MONEY:
        return symbol_in(asset)
    raise RowRefused(f"{source[:20]} symbol {symbol[:40]!r} in {currency} is no coin that is known", BY_HAND)
