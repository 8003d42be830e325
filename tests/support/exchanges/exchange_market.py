"""The prices of the stand-in exchange, and the answers made of them in the shapes of the real ones."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime
from decimal import Context, Decimal
from urllib.parse import parse_qs

from tests.support.exchanges.exchange_pairs import Answer, ListedPairs

DAY_SECONDS = 86_400
FIAT = {
    "AED": "3.67", "ALL": "92.01", "BSD": "1.0", "ERN": "15.0", "EUR": "0.862", "GBP": "0.743", "USD": "1.0"
}  # fmt: skip
PRICES = {
    "BTC": "81401.385", "ETH": "3050.125", "SOL": "142.37", "ADA": "0.6512", "LINK": "14.205", "DOT": "4.117",
    "MATIC": "0.2213", "POL": "0.2214", "AVAX": "21.48", "ATOM": "4.482", "UNI": "7.331", "USDT": "0.9995",
    "USDC": "1", "DAI": "0.9998", "XRP": "2.2105", "DOGE": "0.18342", "LTC": "96.71", "BCH": "512.3",
    "AAVE": "200.2", "SHIB": "0.00001242", "PEPE": "0.000008113", "BONK": "0.00001102",
}  # fmt: skip


def not_found() -> Answer:
    """Coinbase's word for a code that it does not know."""
    return 404, {"errors": [{"id": "not_found", "message": "Invalid base currency"}]}


class Market:
    """What either exchange says; both can be changed at any time.

    ``spot`` holds the texts of Coinbase, ``tether`` those of Binance's USDT pairs. A symbol taken out is not
    traded there. ``echo`` makes Coinbase name another base than was asked; ``coarse`` are given with three
    digits in its table of rates.
    """

    def __init__(self, prices: dict[str, str] | None = None) -> None:
        self.spot = dict(PRICES if prices is None else prices)
        one = Decimal(self.spot.get("USDT", "1"))
        self.tether = {s: _text(Decimal(p) / one, 10) for s, p in self.spot.items() if s != "USDT"}
        self.echo: dict[str, str] = {}
        self.coarse = {"AAVE"}
        self.leaves_out_mismatches = False
        self.first_day: dict[str, int] = {}
        self.rules = ListedPairs(self.spot, self.tether)

    def set(self, symbol: str, price: str) -> None:
        """Let both exchanges say ``price``, as it is."""
        self.spot[symbol] = price
        self.tether[symbol] = price

    def drop(self, symbol: str) -> None:
        """Take the symbol from both exchanges."""
        self.spot.pop(symbol, None)
        self.tether.pop(symbol, None)

    def walk(self, randomness: random.Random, step: float) -> None:
        """Move every price a little."""
        for symbol, price in self.spot.items():
            moved = Decimal(price) * Decimal(math.exp(randomness.gauss(0, step)))
            self.spot[symbol] = _text(moved, 9)
            if symbol in self.tether:
                self.tether[symbol] = _text(moved / Decimal(self.spot.get("USDT", "1")), 9)

    # --- Coinbase -------------------------------------------------------------------------------------------

    def coinbase_spot(self, base: str, quote: str) -> Answer:
        """The spot price of one pair; a currency's code gives the currency's price."""
        if quote != "USD":
            return not_found()
        if base in FIAT:
            amount = _text(1 / Decimal(FIAT[base]), 12)
        elif base in self.spot:
            amount = self.spot[base]
        else:
            return not_found()
        return 200, {"data": {"amount": amount, "base": self.echo.get(base, base), "currency": quote}}

    def coinbase_rates(self, currency: str) -> Answer:
        """Units of everything for one dollar, currencies and crypto in one table."""
        if currency != "USD":
            return 400, {"errors": [{"id": "invalid_request", "message": "Currency is invalid"}]}
        rates = dict(FIAT)
        for symbol, price in self.spot.items():
            try:
                rates[symbol] = _text(1 / Decimal(price), 3 if symbol in self.coarse else 16)
            except ArithmeticError:
                rates[symbol] = price
        return 200, {"data": {"currency": "USD", "rates": dict(sorted(rates.items()))}}

    # --- Binance --------------------------------------------------------------------------------------------

    def binance_ticker(self, raw_query: str) -> Answer:
        """One pair's price, or those of several; one unknown pair spoils the whole of the call."""
        query = parse_qs(raw_query)
        if any(character in raw_query for character in ' "[]') or "+" in raw_query:
            return 400, {"code": -1100, "msg": "Illegal characters found in parameter 'symbols'"}
        if "symbols" in query:
            pairs = json.loads(query["symbols"][0])
            known = [pair for pair in pairs if self._traded(pair)]
            if len(known) < len(pairs) and not self.leaves_out_mismatches:
                return 400, {"code": -1121, "msg": "Invalid symbol."}
            return 200, [{"symbol": pair, "price": self.tether[pair.removesuffix("USDT")]} for pair in known]
        pair = query.get("symbol", [""])[0]
        if not self._traded(pair):
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        return 200, {"symbol": pair, "price": self.tether[pair.removesuffix("USDT")]}

    def binance_klines(self, raw_query: str) -> Answer:
        """Daily bars, oldest first; the last one, of today, is unfinished."""
        query = {name: values[0] for name, values in parse_qs(raw_query).items()}
        pair = query.get("symbol", "")
        if not self._traded(pair):
            return 400, {"code": -1121, "msg": "Invalid symbol."}
        limit = min(int(query.get("limit", "500")), 1000)
        now = _now()
        last = min(int(query.get("endTime", now * 1000)) // 1000, now) // DAY_SECONDS * DAY_SECONDS
        first = -(-int(query.get("startTime", (last - (limit - 1) * DAY_SECONDS) * 1000)) // 1000)
        symbol = pair.removesuffix("USDT")
        days = [day for day in range(first, last + 1, DAY_SECONDS) if day >= self.first_day.get(symbol, 0)]
        return 200, [self._bar(symbol, day) for day in days[:limit]]

    # --- Coinbase Exchange ----------------------------------------------------------------------------------

    def candles(self, symbol: str, raw_query: str) -> Answer:
        """Daily candles, newest first: at most 300, and without both bounds simply the newest."""
        query = {name: values[0] for name, values in parse_qs(raw_query).items()}
        if symbol not in self.spot or query.get("granularity") != str(DAY_SECONDS):
            return (404, {"message": "NotFound"}) if symbol not in self.spot else (
                400, {"message": "Unsupported granularity"})  # fmt: skip
        today = _now() // DAY_SECONDS * DAY_SECONDS
        first, last = today - 299 * DAY_SECONDS, today
        if "start" in query and "end" in query:
            first, last = (_seconds(query[name]) for name in ("start", "end"))
            if (last - first) // DAY_SECONDS + 1 > 300:
                return 400, {"message": "granularity too small for the requested time range"}
        known = range(max(first, self.first_day.get(symbol, 0)), min(last, today) + 1, DAY_SECONDS)
        return 200, [self._candle(symbol, day) for day in reversed(known)]

    # --- one day --------------------------------------------------------------------------------------------

    def close(self, symbol: str, day: int) -> float:
        """The close of the day that begins at this second: the price now, times a wave of its own."""
        phase = random.Random(symbol).uniform(0, 7)
        number = day // DAY_SECONDS
        wave = 0.004 if symbol in {"USDT", "USDC", "DAI"} else 0.08
        return float(f"{float(self.spot[symbol]) * (1 + wave * math.sin(number / 3 + phase)):.8g}")

    def _candle(self, symbol: str, day: int) -> list[float]:
        opened, closed = self.close(symbol, day - DAY_SECONDS), self.close(symbol, day)
        return [day, min(opened, closed) * 0.99, max(opened, closed) * 1.01, opened, closed, 1234.5]

    def _bar(self, symbol: str, day: int) -> list[object]:
        tether = self.close("USDT", day) if "USDT" in self.spot else 1.0
        opened, closed = (self.close(symbol, d) / tether for d in (day - DAY_SECONDS, day))
        texts = [f"{value:.8f}" for value in (opened, max(opened, closed), min(opened, closed), closed)]
        closes_at = (day + DAY_SECONDS) * 1000 - 1
        return [day * 1000, *texts, "1234.50000000", closes_at, "999.0", 77, "600.0", "480.0", "0"]

    def _traded(self, pair: str) -> bool:
        return pair.endswith("USDT") and pair.removesuffix("USDT") in self.tether


def _text(value: Decimal, digits: int) -> str:
    return format(Context(prec=digits).plus(value), "f")


def _now() -> int:
    return int(datetime.now(UTC).timestamp())


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
