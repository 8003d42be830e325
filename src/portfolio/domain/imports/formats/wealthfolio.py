"""wealthfolio's activities: where the amount stands it counts, and is not computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from portfolio.domain.imports.events import Origin, Part, market_trade, moved, received, sides, single, valued
from portfolio.domain.imports.reading import ZERO, Reading, not_below_zero
from portfolio.domain.imports.records import BY_HAND, Kind, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import MONEY, symbol_in
from portfolio.domain.money import EXACT, round_to_step

_CASH = "$CASH-"


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what the activities become."""
    return each(rows, lambda row: _activity(row, how))


def _activity(row: Row, how: Reading) -> Iterator[Outcome]:
    kind, currency = row.text("type").upper(), symbol_in(row.text("currency"))
    origin = Origin((row.place,), how.time(row.text("date"), how.zone))
    fee, amount = how.unsigned_or_zero(row, "fee"), _amount(row, how)
    fees = [Part(currency, fee)]
    if kind in {"BUY", "SELL"}:
        size = how.unsigned(row, "quantity")
        pair = sides(row.side("type"), Part(_asset(row, currency), size), Part(currency, amount))
        yield from market_trade(origin, *pair, fees, how.price(row, "unit_price"))
    elif kind in {"DEPOSIT", "TRANSFER_IN"}:
        yield from moved(origin, _moved(row, currency, amount, how), fees)
    elif kind in {"WITHDRAWAL", "TRANSFER_OUT"}:
        part = _moved(row, currency, amount, how)
        yield from moved(origin, Part(part.symbol, EXACT.minus(part.amount)), fees)
    elif kind in {"INTEREST", "DIVIDEND", "STAKING", "CREDIT", "AIRDROP"}:
        is_airdrop = "AIRDROP" in {kind, row.text("subtype").upper()}
        part = _moved(row, currency, amount, how)
        events = received(origin, Kind.AIRDROP if is_airdrop else Kind.REWARD, part, fees)
        # Of a transfer the price may be what was once paid: it is no value.
        yield from valued(events, [(part, amount, currency)])
    elif kind in {"FEE", "TAX"} and (amount or fee):
        yield from single(origin, Kind.FEE, Part(currency, EXACT.minus(amount or fee)))
    else:
        raise RowRefused(f"type {kind[:40]!r} has no event", BY_HAND)


def _amount(row: Row, how: Reading) -> Decimal:
    stated, quantity = how.unsigned_or_zero(row, "amount"), how.unsigned_or_zero(row, "quantity")
    if stated:
        return stated
    price = not_below_zero("unit_price", how.price(row, "unit_price") or ZERO)
    return round_to_step(EXACT.multiply(quantity, price))


def _moved(row: Row, currency: str, amount: Decimal, how: Reading) -> Part:
    """Return what moved: an asset's quantity, or money."""
    symbol = row.text("symbol").upper()
    if not symbol or symbol.startswith(_CASH) or symbol in MONEY:
        return Part(symbol_in(symbol.removeprefix(_CASH) or currency), amount)
    quantity = how.unsigned_or_zero(row, "quantity")
    if not quantity and amount:  # paid in money, for holding the asset
        return Part(currency, amount)
    return Part(_asset(row, currency), quantity)


def _asset(row: Row, currency: str) -> str:
    """Return the asset of a row; raises RowRefused for shares and the like."""
    if row.text("instrumentType").upper() not in {"", "CRYPTO", "CRYPTOCURRENCY"}:
        raise RowRefused(f"instrumentType {row.text('instrumentType')[:40]!r}: only coins are imported", "leave it out")
    return symbol_in(row.text("symbol").upper().removesuffix(f"-{currency}"))
