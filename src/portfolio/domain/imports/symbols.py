"""Codes of assets and currencies in files: which are money, how a pair is split, Kraken's names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from portfolio.domain.imports.records import Row, RowRefused
from portfolio.domain.symbol import SHAPE, is_contract

FIAT = frozenset([
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP", "GHS",
    "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KZT", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD",
    "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "TZS", "UAH", "UGX",
    "USD", "UZS", "VES", "VND", "XAF", "XOF", "ZAR",
])  # fmt: skip
# Dollar stablecoins that are kept as cash, at par.
DOLLARS = frozenset({"USDT", "USDC"})
MONEY = FIAT | DOLLARS

_SEPARATED = re.compile(r"([^-/_ ]+)[-/_ ]([^-/_ ]+)")
# What markets without a separator are quoted in; and what is surely an asset, where an ending can be read in two ways.
_QUOTES = MONEY | frozenset([
    "AEUR", "BIDR", "BKRW", "BNB", "BTC", "BUSD", "BVND", "DAI", "DOGE", "DOT", "ETH", "EURI", "EURR", "FDUSD",
    "GYEN", "IDRT", "PAX", "PYUSD", "SOL", "TRX", "TUSD", "USDE", "USDP", "USDS", "UST", "VAI", "XBT", "XMR", "XRP",
])  # fmt: skip
_COMMON = frozenset([
    "AAVE", "ADA", "ALGO", "APE", "APT", "ARB", "ATOM", "AVAX", "AXS", "BAT", "BCH", "BNB", "BTC", "BUSD", "CAKE",
    "CHZ", "COMP", "CRO", "CRV", "DAI", "DASH", "DOGE", "DOT", "EGLD", "ENJ", "EOS", "ETC", "ETH", "FDUSD", "FIL",
    "FTM", "GALA", "GRT", "HBAR", "ICP", "ICX", "IMX", "IOTA", "KAVA", "KSM", "LDO", "LINK", "LRC", "LTC", "MANA",
    "MATIC", "MKR", "NEAR", "NEO", "OMG", "ONE", "OP", "PEPE", "POL", "QTUM", "RUNE", "SAND", "SHIB", "SNX", "SOL",
    "STX", "SUI", "SUSHI", "THETA", "TRX", "TUSD", "UNI", "USDC", "USDT", "VET", "WAVES", "XEM", "XLM", "XMR",
    "XRP", "XTZ", "YFI", "ZEC", "ZIL",
])  # fmt: skip
# Quotes of Binance that Kraken never had a market in: OXTUSD is OXT in dollars there.
_NOT_AT_KRAKEN = frozenset(["AEUR", "BIDR", "BKRW", "BUSD", "BVND", "FDUSD", "IDRT", "TUSD", "VAI"])
_KRAKEN = {
    "XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE", "ETH2": "ETH",
    "LUNA": "LUNC", "LUNA2": "LUNA", "UST": "USTC",  # it has left Terra Classic its names
    "XETC": "ETC", "XETH": "ETH", "XICN": "ICN", "XLTC": "LTC", "XMLN": "MLN", "XREP": "REP", "XXLM": "XLM",
    "XXMR": "XMR", "XXRP": "XRP", "XZEC": "ZEC", "ZAUD": "AUD", "ZCAD": "CAD", "ZEUR": "EUR", "ZGBP": "GBP",
    "ZJPY": "JPY", "ZKRW": "KRW", "ZUSD": "USD",
}  # fmt: skip
_KRAKEN_SUFFIX = re.compile(r"(?:(?<=[A-Z]{2})\d\d)?\.S|\.[MPFBT]|\.HOLD")  # SOL03.S is SOL, and C98.F is C98
_KRAKEN_PAIR = re.compile(r"([XZ][A-Z]{3})([XZ][A-Z]{3})")


@lru_cache(maxsize=5_000)
def symbol_in(text: str) -> str:
    """Return the code of an asset or currency, in upper case; raises RowRefused unless it is 1 to 20 of A-Z and 0-9."""
    code = text.upper()
    _refuse_contracts(text)
    if not text.isascii() or not SHAPE.fullmatch(code):
        raise RowRefused(f"{text[:40]!r} is not the code of an asset")
    return code


def kraken_symbol(text: str) -> str:
    """Return the usual code of one of Kraken's: XXBT is BTC, and DOT28.S, which is staked, is DOT."""
    found = _KRAKEN_SUFFIX.search(text)
    code = text[: found.start()] if found is not None and found.end() == len(text) else text
    return symbol_in(_KRAKEN.get(code, code))


def refuse_shares(row: Row) -> None:
    """Raise RowRefused where a row of Kraken's is of shares: DASH is a coin, and DoorDash."""
    said = row.values.get
    if "equit" in f"{said('aclass')} {said('subclass')} {said('subtype')}".lower():
        raise RowRefused("these are shares: only coins are imported", "book what came of them by hand")


def _refuse_contracts(text: str) -> None:
    if is_contract(text.upper()):
        raise RowRefused(
            f"{text[:40]!r} is a contract: margin and futures are not imported", "book what came of them by hand"
        )


def splits(pair: str, quotes: frozenset[str] = _QUOTES) -> list[tuple[str, str]]:
    """Return the ways to split an unseparated pair into base and quote; the certain one alone, where there is one."""
    ways = [(pair[:cut], pair[cut:]) for cut in range(1, len(pair)) if pair[cut:] in quotes]
    certain = [way for way in ways if way[0] in _COMMON] if len(ways) > 1 else ways
    return certain if len(certain) == 1 else ways


def pair_in(text: str, hints: Iterable[str] = (), *, quotes: frozenset[str] = _QUOTES) -> tuple[str, str]:
    """Return the base and the quote of a pair; ``hints`` are codes of which one is part of it.

    ``quotes`` are what pairs without a separator may be quoted in.

    >>> pair_in("BTC-USD"), pair_in("BNBBUSD")
    (('BTC', 'USD'), ('BNB', 'BUSD'))

    Raises:
        RowRefused: no pair, one that can be split in several ways, or a contract.
    """
    separated = _SEPARATED.fullmatch(text)
    if separated is not None:
        _refuse_contracts(text)
        return symbol_in(separated[1]), symbol_in(separated[2])
    ways = splits(symbol_in(text), quotes)
    if len(ways) > 1:
        hinted = [way for way in ways if set(way) & set(hints)]
        ways = hinted if len(hinted) == 1 else ways
    if len(ways) != 1:
        readings = f"may be {' or '.join('-'.join(way) for way in ways)}" if ways else "is no pair that is known"
        raise RowRefused(f"{text[:40]!r} {readings}", "write base and quote with a hyphen between them")
    return ways[0]


def kraken_pair(text: str) -> tuple[str, str]:
    """Return the base and the quote of one of Kraken's pairs, in their usual codes (XETHXXBT, BTC/USD)."""
    old = _KRAKEN_PAIR.fullmatch(text)
    if old is not None and set(old.groups()) <= _KRAKEN.keys():
        return kraken_symbol(old[1]), kraken_symbol(old[2])
    for code in ("ZEUR", "ZUSD", "ZGBP", "ZCAD", "ZJPY", "ZAUD", "XXBT", "XETH"):
        if text.endswith(code) and text.removesuffix(code) in _COMMON | _KRAKEN.keys():
            return kraken_symbol(text.removesuffix(code)), kraken_symbol(code)
    base, quote = pair_in(text, quotes=_QUOTES - _NOT_AT_KRAKEN)
    return kraken_symbol(base), kraken_symbol(quote)
