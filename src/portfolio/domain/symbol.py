"""Names of assets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from portfolio.domain.errors import InvalidSymbol

SHAPE = re.compile(r"[A-Z0-9]{1,20}")
_QUOTED = re.compile(r"(?P<base>[A-Z0-9]+)[-/_](?P<quote>[A-Z0-9]+)")
# What counts as the dollar. A pair in any other stablecoin (DAI, FDUSD) is refused, like one in another currency.
_DOLLARS = frozenset({"USD", "USDT", "USDC"})
# An unseparated pair is told by its ending: a dollar after any base, another quote after a base of three or more.
_DOLLAR_ENDINGS = ("USDT", "USDC", "USD")
_OTHER_ENDINGS = ("EUR", "GBP", "BTC", "ETH", "BNB")
# Assets whose own ticker ends that way. One that is not among them is refused by its bare ticker, and taken with -USD.
_NOT_PAIRS = frozenset([
    "TUSD", "BUSD", "PYUSD", "FDUSD", "GUSD", "LUSD", "SUSD", "RLUSD", "CRVUSD", "CUSD", "MUSD", "AUSD", "OUSD",
    "BFUSD", "FRXUSD", "SOLVBTC", "FRXETH", "SFRXETH", "WSTETH", "ANKRETH",
])  # fmt: skip
# Codes of other sources for assets that have a ticker of their own: those of Kraken, and of the forks of Bitcoin.
_OTHER_CODES = {
    "XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE", "XETC": "ETC", "XETH": "ETH", "XLTC": "LTC",
    "XMLN": "MLN", "XREP": "REP", "XXLM": "XLM", "XXMR": "XMR", "XXRP": "XRP", "XZEC": "ZEC", "ZUSD": "USD",
    "BCHABC": "BCH", "BCHSV": "BSV",
}  # fmt: skip
# Behind the asset or the pair in BTC-PERP, BTCUSD_241227, BTC-USDT-SWAP and BIT-26SEP25-CDE; BTC/USDT:USDT of ccxt.
_CONTRACT = re.compile(
    r"[-/_: ](?:PERP(?:ETUAL)?|SWAP|FUT(?:URES)?|[0-9]{6,8}|[0-9]{1,2}[A-Z]{3}[0-9]{2})(?![A-Z0-9])|/[A-Z0-9]+:"
)
# Without a separator: BTCPERP, XBTH24 (of March 2024), XBTUSDTM. PERP itself is a coin.
_CONTRACT_CODE = re.compile(r"[A-Z0-9]{2,}PERP|(?:XBT|BTC|ETH)(?:USD[TC]?)?[FGHJKMNQUVXZ][0-9]{2}|[A-Z0-9]{3,}USD[TC]M")
_KRAKEN_CONTRACT = re.compile(r"(?:P[FIV]|F[FI])_([A-Z0-9]+)")  # PF_XBTUSD; PI_USDT and FF_USDT are pairs of coins
_NO_CONTRACTS = (
    "is a contract (a future or a perpetual), and only assets are held here:"
    " book what came of it in money as an event, interest or charge"
)


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """An asset's ticker: 1 to 20 of A-Z and 0-9, and never the dollar itself."""

    code: str

    def __post_init__(self) -> None:
        if not SHAPE.fullmatch(self.code):
            raise InvalidSymbol(self.code, "takes 1 to 20 of A-Z and 0-9")
        if self.code == "USD":
            raise InvalidSymbol(self.code, "the dollar is cash, not a position")

    @classmethod
    @lru_cache(maxsize=1_000)
    def parse(cls, text: str) -> Symbol:
        """Return the symbol that ``text`` means, in any case, with or without a dollar suffix.

        >>> Symbol.parse("btc-usd"), Symbol.parse("ETH/USDT")
        (Symbol(code='BTC'), Symbol(code='ETH'))

        Raises:
            InvalidSymbol: another quote currency, an unseparated pair such as BTCUSDT, a contract such as
                BTC-PERP, or no symbol at all.
        """
        # In other scripts upper case may be something else altogether: the German sharp s becomes SS.
        if not text.isascii():
            raise InvalidSymbol(text, "takes 1 to 20 of A-Z and 0-9")
        upper = text.upper()
        # One word, such as BTCPERP, is taken as it comes: an engine that holds one by that name must be able to sell.
        if not SHAPE.fullmatch(upper) and is_contract(upper):
            raise InvalidSymbol(text, _NO_CONTRACTS)
        pair = _QUOTED.fullmatch(upper)
        if pair and pair["quote"] not in _DOLLARS:
            raise InvalidSymbol(text, f"quoted in {pair['quote'][:20]}, {_in_dollars(pair['base'])}")
        base, quote = (pair["base"], "") if pair else _split_pair(upper)
        if quote:
            meant = _OTHER_CODES.get(base, base)
            in_dollars = f"send {meant} or {meant}-{quote}"
            reading = in_dollars if quote in _DOLLARS else f"quoted in {quote}, {_in_dollars(base)}"
            raise InvalidSymbol(text, f"looks like a pair: {reading}; if an asset has that ticker: send {upper}-USD")
        if base in _OTHER_CODES:
            raise InvalidSymbol(text, f"{base} is another code of {_OTHER_CODES[base]}: send {_OTHER_CODES[base]}")
        return cls(base)

    def __str__(self) -> str:
        return self.code


def is_symbol(code: str) -> bool:
    """Return whether an asset may go by this code."""
    return SHAPE.fullmatch(code) is not None and code != "USD"


def is_contract(code: str) -> bool:
    """Return whether a code, in upper case, is of a future or a perpetual, by whatever exchange."""
    of_kraken = _KRAKEN_CONTRACT.fullmatch(code)
    is_of_kraken = of_kraken is not None and (_split_pair(of_kraken[1])[1] != "" or of_kraken[1][1:].endswith("XBT"))
    return is_of_kraken or _CONTRACT.search(code) is not None or _CONTRACT_CODE.fullmatch(code) is not None


def _in_dollars(base: str) -> str:
    meant = _OTHER_CODES.get(base, base)[:20]
    return f"but this ledger counts in USD (or USDT, USDC): send {meant}, with price and money in dollars"


def _split_pair(ticker: str) -> tuple[str, str]:
    """Return the base and the quote of an unseparated pair; the ticker and no quote where it is none."""
    if ticker not in _NOT_PAIRS and ticker not in _OTHER_CODES:
        for endings, shortest_base in ((_DOLLAR_ENDINGS, 1), (_OTHER_ENDINGS, 3)):
            for quote in endings:
                base = ticker.removesuffix(quote)
                if base != ticker and len(base) >= shortest_base and SHAPE.fullmatch(ticker):
                    return base, quote
    return ticker, ""
