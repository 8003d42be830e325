"""Kraken's ledgers: the rows of one refid are one event, and a balance moves by the amount less the fee."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from functools import partial

from portfolio.domain.imports.events import Origin, Part, exchange, gathered, moved, net, received, valued
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import (
    BY_HAND,
    ROW_MISSING,
    FileEvent,
    Ignored,
    Kind,
    Outcome,
    Row,
    RowRefused,
    each,
    once,
    together,
)
from portfolio.domain.imports.symbols import kraken_symbol, refuse_shares

_MARGIN = {"margin", "rollover", "settled"}
_TRADES = {"trade", "spend", "receive", "conversion", "dustsweeping"}
_INTERNAL = {
    "spottostaking", "stakingfromspot", "stakingtospot", "spotfromstaking", "spottofutures", "futurestospot",
    "spotfromfutures", "futuresfromspot", "allocation", "deallocation", "autoallocation", "migration",
}  # fmt: skip
_CREDITS = "KFEE"
_UNKNOWN = "Unknown"  # the refid of rows of 2024, for whatever it stands


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what the rows become, those of one refid together."""
    groups: dict[str, list[Row]] = defaultdict(list)
    internal: dict[str, list[Row]] = defaultdict(list)

    def rule(row: Row) -> Iterator[Outcome]:
        refuse_shares(row)
        kind, subtype = row.text("type").lower(), row.text("subtype").lower()
        if kind in {"deposit", "withdrawal"} and not row.text("txid"):
            yield Ignored(row.place, f"a {kind} that is pending: what it became has a row of its own")
        elif kind in _MARGIN or "margin" in row.text("wallet").lower() or "futures" in row.text("wallet").lower():
            raise RowRefused(f"{kind}: margin and futures are not imported", "book what came of them by hand")
        elif subtype in _INTERNAL and kind not in _TRADES:
            internal[f"migrated {_symbol(row)}" if subtype == "migration" else _belongs_to(row)].append(row)
        elif row.text("asset").upper() == _CREDITS:
            yield Ignored(row.place, "fee credits of Kraken: they are no money")
        else:
            groups[_belongs_to(row)].append(row)

    yield from each(rows, rule)
    for group in groups.values():
        yield from together(group, partial(_once, group, partial(_group, how=how)))
    for group in internal.values():
        yield from together(group, partial(_once, group, partial(_internal, how=how)))


def _belongs_to(row: Row) -> str:
    """Return what the rows of one event have in common."""
    refid = row.text("refid")
    return f"{refid} {row.text('time')} {_symbol(row)}" if refid == _UNKNOWN else refid or f"row {row.place}"


def _own_id(group: Sequence[Row]) -> str | None:
    """Return what an event goes by; one without a refid by its rows, none of which is another one's too."""
    refid = group[0].text("refid")
    return "+".join([refid, *sorted(row.text("txid") for row in group)]) if refid == _UNKNOWN else refid or None


def _once(group: Sequence[Row], rule: Callable[[Sequence[Row]], Iterator[Outcome]]) -> Iterator[Outcome]:
    rows, again = once(group, "txid")
    yield from rule(rows)
    yield from again


def _group(group: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    kinds = {row.text("type").lower() for row in group}
    at = how.exact_time(min(row.text("time") for row in group), UTC)  # the first one's, whichever stands first
    origin = Origin(tuple(row.place for row in group), at, _own_id(group))
    fees = [_fee(row, how) for row in group]
    worths = _worths(group, how)
    if len(kinds) > 1 and not kinds <= _TRADES:
        raise RowRefused(f"rows of one refid are {' and '.join(sorted(kinds))}, which is unknown", "book them by hand")
    changes = net(_part(row, how) for row in group)
    if not net([Part(*change) for change in changes.items()], fees):
        return iter([Ignored(row.place, "failed and came back, or nothing moved") for row in group])
    if kinds <= _TRADES:
        return valued(_trade(origin, group, fees, how), worths)
    if len(changes) != 1:
        raise RowRefused("rows of one refid move several assets", "book them by hand")
    [(symbol, change)] = changes.items()
    return valued(_movement(origin, group[0], Part(symbol, change), fees), worths)


def _internal(group: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield that rows between places of the owner move nothing; where both sides are told they have to be equal.

    So they have to be of migrations: one of another asset may have a refid of its own.
    """
    parts = [_part(row, how) for row in group]
    charged = net(_fee(row, how) for row in group)
    has_both = group[0].text("subtype").lower() == "migration" or len({part.amount > 0 for part in parts}) > 1
    if charged or (has_both and net(parts)):
        raise RowRefused("what went between places of the same owner is not what came, or was charged a fee")
    for row in group:
        yield Ignored(row.place, f"{row.text('subtype').lower()}: between places of the same owner")


def _movement(origin: Origin, row: Row, part: Part, fees: Sequence[Part]) -> Iterator[FileEvent]:
    kind, subtype = row.text("type").lower(), row.text("subtype").lower()
    if kind in {"deposit", "withdrawal"}:
        return moved(origin, part, fees)
    if kind in {"transfer", "earn"} and "subtype" not in row.values:
        raise RowRefused(
            "the file has no column subtype: whether this came or only changed places is not known",
            "export it with all columns",
        )
    if kind in {"staking", "dividend", "reward"} or (kind == "earn" and subtype in {"", "reward"}):
        return received(origin, Kind.REWARD, part, fees)
    if (kind == "transfer" and not subtype) or (kind in {"transfer", "earn"} and subtype == "airdrop"):
        return received(origin, Kind.AIRDROP, part, fees)
    raise RowRefused(f"type {kind[:30]!r}, subtype {subtype[:30]!r} is unknown", BY_HAND)


def _trade(origin: Origin, group: Sequence[Row], fees: Sequence[Part], how: Reading) -> Iterator[FileEvent]:
    parts = [_part(row, how) for row in group]
    changes = [Part(*change) for change in net(parts).items()]
    came, went = [part for part in changes if part.amount > 0], [part for part in changes if part.amount < 0]
    if len(changes) == 1 and len({part.amount > 0 for part in parts if part.amount}) > 1:
        raise RowRefused(f"what went and what came are both {changes[0].symbol}", BY_HAND)
    if len(came) != 1 or not went:
        raise RowRefused(*ROW_MISSING)
    if len(went) > 1:
        return gathered(origin, went, came[0], fees)
    return exchange(origin, went[0], came[0], fees)


def _worths(group: Sequence[Row], how: Reading) -> list[tuple[Part, Decimal | None, str]]:
    """Return what the dollars of newer files say: of what moved first, then of what was charged."""
    moved_worths = [(_part(row, how), how.price(row, "amountusd"), "USD") for row in group]
    return [*moved_worths, *((_fee(row, how), how.price(row, "feeusd"), "USD") for row in group)]


def _part(row: Row, how: Reading) -> Part:
    return Part(_symbol(row), how.amount(row, "amount"))


def _symbol(row: Row) -> str:
    return kraken_symbol(row.text("asset"))


def _fee(row: Row, how: Reading) -> Part:
    return Part(kraken_symbol(row.text("feecurrency") or row.text("asset")), how.amount_or_zero(row, "fee"))
