"""Binance spot trades: one row a fill, quantities before the fee, which may be in the base, the quote or BNB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from portfolio.domain.imports.events import Origin, Part, market_trade, sides
from portfolio.domain.imports.numbers import SAY_THE_SIGN, amount_in
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import MEND_IT, Ignored, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in, symbol_in
from portfolio.domain.money import EXACT

_USUAL = re.compile(r"(\d{1,15}(?:\.\d{0,18})?)([A-Z][A-Z0-9]*)", re.ASCII)
_UNIT = re.compile(r"([\d.,+-]+)([A-Z][A-Z0-9]*)", re.ASCII)
_DISCOUNT_COIN = "BNB"


_Fill: TypeAlias = tuple[Part, Part, Part]
"""What a row says, whichever columns it has: base, quote and fee, without signs."""


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the fills. The file's money counts, not the price times the quantity."""

    def rule(row: Row) -> Iterator[Outcome]:
        side = row.side("Side", "Type")
        at = how.exact_time(row.text("Date(UTC)", "Time"), how.local_zone(), short_year=True)
        base, quote, fee = _glued(row, how) if "Executed" in row.values else _separate(row, how)
        if base.amount < 0 or quote.amount < 0:
            raise RowRefused("a quantity below 0: the side tells what came")
        if not base.amount and not quote.amount and not fee.amount:
            yield Ignored(row.place, "nothing was executed: all amounts are 0")
            return
        yield from market_trade(Origin((row.place,), at), *sides(side, base, quote), [fee], how.price(row, "Price"))

    return each(rows, rule)


def _separate(row: Row, how: Reading) -> _Fill:
    fee_coin = row.text("Fee Coin")
    if row.text("Base Asset"):
        base, quote = symbol_in(row.text("Base Asset")), symbol_in(row.text("Quote Asset"))
    else:
        base, quote = pair_in(row.text("Market", "Pair"), [fee_coin.upper()])
    fee = how.amount_or_zero(row, "Fee")
    if fee and not fee_coin:
        raise RowRefused("Fee Coin is empty: in which coin the fee was charged is not known")
    return (
        Part(base, how.amount(row, "Amount")),
        Part(quote, how.amount(row, "Total")),
        Part(symbol_in(fee_coin) if fee else quote, fee),
    )


def _glued(row: Row, how: Reading) -> _Fill:
    """Return a fill whose units stand behind the amounts: the pair says where an amount ends and 1INCH begins."""
    pair = symbol_in(row.text("Pair").replace("/", "").replace("-", ""))
    executed, amount = row.text("Executed"), row.text("Amount")
    one, other, fee = _part(executed, how), _part(amount, how), _part(row.text("Fee"), how)
    # No other split of this pair would leave numbers before the units.
    if (
        one
        and other
        and fee
        and one.symbol + other.symbol == pair
        and fee.symbol in {other.symbol, one.symbol, _DISCOUNT_COIN}
    ):
        return one, other, fee
    found = []
    for cut in range(1, len(pair)):
        base, quote = pair[:cut], pair[cut:]
        if executed.endswith(base) and amount.endswith(quote):
            try:
                found.append((_before(executed, base, how), _before(amount, quote, how)))
            except RowRefused:
                continue
    if len(found) != 1:
        reason = f"{executed[:40]!r} and {amount[:40]!r} are not amounts of the pair {pair}"
        raise RowRefused(reason, _remedy(how, executed, amount))
    [(base_part, quote_part)] = found
    return base_part, quote_part, _fee(row.text("Fee"), (base_part.symbol, quote_part.symbol), how)


def _part(text: str, how: Reading) -> Part | None:
    """Return an amount and its unit, as all are whose unit begins with a letter; None where it is no such one."""
    usual = _USUAL.fullmatch(text)
    if usual is not None and how.decimal != ",":
        return Part(usual[2], Decimal(usual[1]))
    found = _UNIT.fullmatch(text)
    try:
        return None if found is None else Part(found[2], amount_in(found[1], how.decimal))
    except RowRefused:
        return None


def _fee(text: str, symbols: tuple[str, str], how: Reading) -> Part:
    if not text:
        return Part(symbols[1], EXACT.create_decimal(0))
    for symbol in symbols:
        if text.endswith(symbol):
            try:
                return _before(text, symbol, how)
            except RowRefused:  # the end of another coin's name
                continue
    part = _part(text, how)
    if part is None:
        raise RowRefused(f"Fee: {text[:40]!r} is not an amount with its coin", _remedy(how, text))
    return part


def _remedy(how: Reading, *texts: str) -> str:
    """Return what to do about amounts, with their units, that are none."""
    is_unsaid = how.decimal is None and any("," in text or text.count(".") > 1 for text in texts)
    return f"if a comma is the decimal sign, {SAY_THE_SIGN}," if is_unsaid else MEND_IT


def _before(text: str, unit: str, how: Reading) -> Part:
    return Part(unit, amount_in(text[: len(text) - len(unit)], how.decimal))
