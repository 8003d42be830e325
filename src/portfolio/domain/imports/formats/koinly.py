"""Koinly's universal file, and its file of trades: what was sent and received, and a fee on top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portfolio.domain.imports.events import Origin, Part, exchange, market_trade, moved, received, sides, single, valued
from portfolio.domain.imports.formats.coinbase_pro import own_id
from portfolio.domain.imports.reading import ZERO, Reading
from portfolio.domain.imports.records import BY_HAND, FileEvent, Ignored, Kind, Outcome, Row, RowRefused, each
from portfolio.domain.imports.symbols import pair_in, symbol_in
from portfolio.domain.money import EXACT

_REWARDS = {
    "staking", "reward", "rewards", "mining", "interest", "loan interest", "lending interest", "lending", "income",
    "other income", "cashback", "referral", "salary", "fee refund",
}  # fmt: skip
_AIRDROPS = {"airdrop", "fork"}
_IN = {"", "deposit", "transfer", "gift", "buy"}
_OUT = {"", "withdrawal", "withdraw", "transfer", "send", "gift", "donation", "payment"}
_EXCHANGED = {
    "", "trade", "exchange", "swap", "convert", "conversion", "buy", "sell", "liquidity in", "liquidity out",
}  # fmt: skip
# What is gone, and nothing came for it: the ledger has a loss of it, as of a fee in an asset.
_GONE = {"cost", "fee", "gas", "lost"}
_FEE = ("Fee Amount", "Fee Currency")


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what the rows become; a side that is empty or 0 is none, and the label tells what that means."""

    def rule(row: Row) -> Iterator[Outcome]:
        sent = _side(row, how, "Sent Amount", "Sent Currency")
        came = _side(row, how, "Received Amount", "Received Currency")
        fee = _side(row, how, *_FEE)
        worth = _net_worth(row, how)
        if sent is None and came is None and fee is None:
            yield Ignored(row.place, "nothing moved: no amount")
            return
        origin = Origin((row.place,), how.time(row.text("Date", "Koinly Date"), how.zone))
        fees, label = [fee] if fee is not None else [], row.text("Label").lower()
        if sent is not None:
            sent = Part(sent.symbol, EXACT.minus(sent.amount))
        if sent is not None and came is not None and sent.symbol == came.symbol:
            yield from _own_transfer(origin, sent, came, fees)
        elif sent is not None and came is not None:
            if label not in _EXCHANGED:
                raise _no_event(label, "exchanged")
            yield from _worth(exchange(origin, sent, came, fees), worth, sent, came)
        else:
            events = _one_sided(origin, sent or came, label, fees)
            yield from _worth(events, worth, sent, came)

    return each(rows, rule)


def read_trades(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield the trades."""

    def rule(row: Row) -> Iterator[Outcome]:
        side = row.side("Side")
        base, quote = pair_in(row.text("Pair"))
        fee = _side(row, how, *_FEE)
        amount, total = how.unsigned(row, "Amount"), how.unsigned(row, "Total")
        own = own_id(base, quote, row.text("Trade ID"))
        yield from market_trade(
            Origin((row.place,), how.time(row.text("Koinly Date"), how.zone), own),
            *sides(side, Part(base, amount), Part(quote, total)),
            [fee] if fee is not None else [],
        )

    return each(rows, rule)


def _own_transfer(origin: Origin, sent: Part, came: Part, fees: Sequence[Part]) -> Iterator[Outcome]:
    lost = Part(sent.symbol, EXACT.minus(EXACT.add(sent.amount, came.amount)))
    charged = [fee for fee in (lost, *fees) if fee.amount]
    if not charged:
        yield Ignored(origin.rows[0], "sent to oneself: nothing changed")
    elif lost.amount < 0:
        raise RowRefused("more came than was sent of the same currency", BY_HAND)
    else:
        yield from single(origin, Kind.FEE, Part(charged[0].symbol, EXACT.minus(charged[0].amount)), charged[1:])


def _worth(events: Iterator[FileEvent], worth: Part | None, *sides: Part | None) -> Iterator[FileEvent]:
    """Yield events of which each side, without the fee, was worth what the row says."""
    if worth is None:
        return events
    return valued(events, [(side, worth.amount, worth.symbol) for side in sides if side is not None])


def _one_sided(origin: Origin, part: Part | None, label: str, fees: Sequence[Part]) -> Iterator[FileEvent]:
    if part is None:
        return single(origin, Kind.FEE, Part(fees[0].symbol, EXACT.minus(fees[0].amount)))
    if part.amount > 0 and label in _REWARDS | _AIRDROPS:
        return received(origin, Kind.AIRDROP if label in _AIRDROPS else Kind.REWARD, part, fees)
    if part.amount < 0 and label in _GONE:
        return single(origin, Kind.FEE, part, fees)
    if label in (_IN if part.amount > 0 else _OUT):
        return moved(origin, part, fees)
    raise _no_event(label, "received" if part.amount > 0 else "sent")


def _no_event(label: str, what: str) -> RowRefused:
    return RowRefused(f"Label {label[:40]!r} has no event for what was {what}", BY_HAND)


def _net_worth(row: Row, how: Reading) -> Part | None:
    """Return what the row says that a side was worth; None without its currency too."""
    amount, currency = how.amount(row, "Net Worth Amount", ZERO), row.text("Net Worth Currency")
    return Part(symbol_in(currency), amount) if amount and currency else None


def _side(row: Row, how: Reading, name: str, currency: str) -> Part | None:
    amount = how.amount(row, name, ZERO)
    if not amount:
        return None
    if amount < 0 and name != _FEE[0]:
        raise RowRefused(f"{name} is below 0")
    return Part(symbol_in(row.text(currency)), amount)
