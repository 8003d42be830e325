"""Binance's transaction history: every change of every wallet. A trade is the rows of one second."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from portfolio.domain.imports.events import (
    Origin,
    Part,
    conversion,
    exchange,
    gathered,
    moved,
    net,
    received,
    renamed,
    single,
)
from portfolio.domain.imports.reading import Reading
from portfolio.domain.imports.records import BY_HAND, Ignored, Kind, Outcome, Row, RowRefused, each, together
from portfolio.domain.imports.symbols import symbol_in
from portfolio.domain.money import EXACT

# What names the two sides of a trade, by the operation; of old trades both have one name, or the quote is "related".
_SIDES = {
    "transaction buy": "buy", "transaction spend": "buy", "transaction sold": "sell", "transaction revenue": "sell",
    "buy": "old buy", "sell": "old sell", "transaction related": "related", "large otc trading": "otc",
}  # fmt: skip
_FEES = {"transaction fee", "fee"}
_MOVES = {"deposit", "withdraw", "fiat deposit", "fiat withdraw", "fiat withdrawal", "withdrawal"}
_CONVERTS = {"convert", "binance convert", "stablecoins auto-conversion", "eth 2.0 staking"}
_SWAPS = ("token swap", "asset recovery")
_RENAMES = ("token swap", "eth 2.0 staking")  # what came is the same thing, under another name
_DUST = "small assets exchange bnb"
# What only goes from one place of the owner to another. Others of these words buy something: they are not guessed.
_INTERNAL = {
    "simple earn flexible subscription", "simple earn flexible redemption", "simple earn locked subscription",
    "simple earn locked redemption", "savings purchase", "savings redemption", "savings principal redemption",
    "pos savings purchase", "pos savings redemption", "staking purchase", "staking redemption",
    "locked staking purchase", "locked staking redemption", "flexible savings purchase",
    "flexible savings redemption", "locked savings purchase", "locked savings redemption", "defi staking purchase",
    "defi staking redemption", "launchpool subscription", "launchpool redemption", "bnb vault subscription",
    "bnb vault purchase", "bnb vault redemption", "main and funding account transfer",
}  # fmt: skip
_BETWEEN = "transfer between "
_PLACES = {
    "and", "main", "spot", "funding", "earn", "margin", "cross", "isolated", "futures", "um", "cm", "usd-m", "usds-m",
    "coin-m", "options", "option", "strategy", "account", "accounts", "wallet", "wallets",
}  # fmt: skip
_BOUGHT = ("subscription", "purchase", "redemption", "launchpad", "transfer ")
_EARN = "LD"  # Binance writes what lies in Earn as LDBTC
_REWARDS = ("interest", "reward", "distribution", "airdrop", "commission", "referral", "referrer", "cashback")
_SECOND, _MINUTE = timedelta(seconds=1), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of which is known what it always says."""

    row: Row
    at: datetime
    operation: str
    part: Part

    @property
    def wallet(self) -> tuple[str, str]:
        return self.row.text("User_ID", "User ID"), self.row.text("Account")


_Group = list[_Line]


def read(rows: Sequence[Row], how: Reading) -> Iterator[Outcome]:
    """Yield what the rows become: trades by second, conversions in up to two seconds, the others one by one."""
    trades: dict[tuple[tuple[str, str], datetime], _Group] = defaultdict(list)
    exchanges: dict[tuple[tuple[str, str], str], _Group] = defaultdict(list)
    alone: dict[str, _Group] = {"internal": [], "income": []}

    def rule(row: Row) -> Iterator[Outcome]:
        line = _line(row, how)
        if not line.part.amount:
            yield Ignored(row.place, "nothing moved: the change is 0")
        elif line.operation in _SIDES or line.operation in _FEES:
            trades[line.wallet, line.at].append(line)
        elif line.operation in _CONVERTS or line.operation.startswith((_DUST, *_SWAPS)):
            exchanges[line.wallet, line.operation.partition(" - ")[0]].append(line)
        elif (kind := _kind(line.operation)) in alone:
            alone[kind].append(line)
        else:
            yield from _single(line)

    yield from each(rows, rule)
    for group in trades.values():
        yield from together([line.row for line in group], partial(_trades, group))
    for group in exchanges.values():
        yield from _exchanges(group)
    yield from _internal(alone["internal"])
    yield from _incomes(alone["income"])


def _kind(operation: str) -> str:
    words = operation.removeprefix(_BETWEEN).replace("/", " ").split()
    if operation in _INTERNAL or (operation.startswith(_BETWEEN) and _PLACES.issuperset(words)):
        return "internal"
    is_income = any(word in operation for word in _REWARDS) and not any(word in operation for word in _BOUGHT)
    return "income" if is_income else "other"


def _internal(lines: _Group) -> Iterator[Outcome]:
    groups: dict[tuple[str, str, datetime], _Group] = defaultdict(list)
    for line in lines:
        groups[line.wallet[0], line.operation, line.at].append(line)
    for group in groups.values():
        yield from together([line.row for line in group], partial(_inside, group))


def _inside(group: _Group) -> Iterator[Outcome]:
    """Yield that rows of one second move nothing; where both sides are told they have to be equal."""
    symbols = {line.part.symbol for line in group}
    plain = {symbol: symbol.removeprefix(_EARN) for symbol in symbols if symbol.removeprefix(_EARN) in symbols}
    parts = [Part(plain.get(line.part.symbol, line.part.symbol), line.part.amount) for line in group]
    if _is_whole(group) and net(parts):
        raise RowRefused("what went between places of the same owner is not what came", BY_HAND)
    for line in group:
        yield Ignored(line.row.place, f"{line.operation}: between places of the same owner")


def _single(line: _Line) -> Iterator[Outcome]:
    if line.operation in _MOVES:
        yield from moved(Origin((line.row.place,), line.at), line.part)
    else:
        raise RowRefused(f"Operation {line.row.text('Operation')[:40]!r} is unknown", BY_HAND)


def _line(row: Row, how: Reading) -> _Line:
    account = row.text("Account").lower()
    if any(word in account for word in ("future", "margin", "option")):
        raise RowRefused(
            f"account {row.text('Account')[:40]!r}: margin and futures are not imported",
            "book what came of them by hand",
        )
    at = how.exact_time(row.text("UTC_Time", "Time"), how.local_zone(), short_year=True)
    part = Part(symbol_in(row.text("Coin")), how.amount(row, "Change"))
    return _Line(row, at, " ".join(row.text("Operation").lower().split()), part)


def _trades(group: _Group) -> Iterator[Outcome]:
    """Yield the trades of one second: at most one of each way, or which row belongs to which cannot be known."""
    sides: dict[str, _Group] = defaultdict(list)
    for line in group:
        if line.operation not in _FEES:
            sides[_SIDES[line.operation]].append(line)
    fees = [line for line in group if line.operation in _FEES]
    _relate(sides)
    for lines in sides.values():
        one, other = _two_sides(lines)
        mine = [fee for fee in fees if len(sides) == 1 or fee.part.symbol == (one if one.amount > 0 else other).symbol]
        fees = [fee for fee in fees if fee not in mine]
        charged = [Part(fee.part.symbol, EXACT.minus(fee.part.amount)) for fee in mine]
        yield from exchange(_origin([*lines, *mine]), one, other, charged)
    for fee in fees:
        yield from single(_origin([fee]), Kind.FEE, fee.part)


def _relate(sides: dict[str, _Group]) -> None:
    """Have what is only "related" be the other side of the one old trade that lacks it, or what was sold that of what
    was bought, where each has one side alone.
    """
    bought, sold = sides.get("old buy", []), sides.get("old sell", [])
    came, went = {line.part.amount > 0 for line in bought}, {line.part.amount > 0 for line in sold}
    if (came, went) == ({True}, {False}) and "related" not in sides:
        del sides["old sell"]
        sides["old buy"] = sorted([*bought, *sold], key=lambda line: line.row.place)
    lacking = [name for name, lines in sides.items() if name.startswith("old ") and not _is_two_sided(_changes(lines))]
    if len(lacking) == 1 and "related" in sides and not _is_two_sided(_changes(sides["related"])):
        sides[lacking[0]] = sorted([*sides[lacking[0]], *sides.pop("related")], key=lambda line: line.row.place)


def _changes(lines: _Group) -> list[Part]:
    return [Part(*change) for change in net(line.part for line in lines).items()]


def _is_two_sided(changes: list[Part]) -> bool:
    return len(changes) == 2 and (changes[0].amount > 0) is not (changes[1].amount > 0)


def _two_sides(lines: _Group) -> tuple[Part, Part]:
    changes = _changes(lines)
    if not _is_two_sided(changes):
        raise RowRefused(
            "several trades of one second, or half of one: which rows belong together cannot be known",
            "import the file of spot trades, and this one with --partial",
        )
    return changes[0], changes[1]


def _exchanges(lines: _Group) -> Iterator[Outcome]:
    """Yield conversions of one kind and wallet. One may begin in a second and end in the next."""
    lines = sorted(lines, key=lambda line: line.at)
    groups: list[_Group] = []
    for line in lines:
        last = groups[-1] if groups else []
        if last and (line.at == last[-1].at or (not _is_whole(last) and line.at - last[0].at <= _SECOND)):
            last.append(line)
        else:
            groups.append([line])
    for group in _joined(groups):
        yield from together([line.row for line in group], partial(_exchange, group))


def _joined(groups: list[_Group]) -> list[_Group]:
    """Return groups of which halves have joined the one of the second before."""
    found: list[_Group] = []
    for group in groups:
        if found and not _is_whole(group) and group[0].at - found[-1][-1].at <= _SECOND:
            found[-1] = [*found[-1], *group]
        else:
            found.append(group)
    return found


def _is_whole(group: _Group) -> bool:
    return {line.part.amount > 0 for line in group} == {True, False}


def _exchange(group: _Group) -> Iterator[Outcome]:
    changes = [Part(*change) for change in net(line.part for line in group).items()]
    came, went = [part for part in changes if part.amount > 0], [part for part in changes if part.amount < 0]
    if len(came) != 1 or not went:
        raise RowRefused("conversions of which halves are missing, or that cannot be told apart", "book them by hand")
    if len(went) > 1 and not group[0].operation.startswith(_DUST):
        raise RowRefused("several conversions of one second cannot be told apart", "book them by hand")
    if len(went) == 1:
        events = conversion(_origin(group), went[0], came[0])
        return renamed(events) if group[0].operation.startswith(_RENAMES) else events
    return gathered(_origin(group), went, came[0])


def _incomes(lines: _Group) -> Iterator[Outcome]:
    """Yield rewards; of one that stands in two wallets, that of the spot wallet counts."""
    spot: dict[tuple[str, Part, datetime], deque[tuple[int, _Line]]] = defaultdict(deque)
    for number, line in enumerate(lines):
        if line.operation.endswith("interest"):
            spot[line.operation.removesuffix("interest").strip(" -"), line.part, _second(line)].append((number, line))
    for line in lines:
        twin = _twin(line, spot) if line.operation.endswith("rewards income") else None
        if twin is not None:
            yield Ignored(line.row.place, f"the same reward stands in row {twin.row.place}")
            continue
        kind = Kind.AIRDROP if "airdrop" in line.operation else Kind.REWARD
        yield from together([line.row], partial(received, Origin((line.row.place,), line.at), kind, line.part))


def _second(line: _Line) -> datetime:
    return line.at.replace(microsecond=0)


def _twin(line: _Line, spot: Mapping[tuple[str, Part, datetime], deque[tuple[int, _Line]]]) -> _Line | None:
    """Return what tells a reward once more, at most a minute away, the first of the file; it is taken out."""
    name = line.operation.removesuffix("rewards income").strip(" -")
    moments = (_second(line) + second * _SECOND for second in range(-_MINUTE // _SECOND, _MINUTE // _SECOND + 1))
    waiting = [found for at in moments if (found := spot.get((name, line.part, at)))]
    first = min(waiting, key=lambda found: found[0][0], default=None)
    return first.popleft()[1] if first is not None else None


def _origin(lines: Sequence[_Line]) -> Origin:
    return Origin(tuple(line.row.place for line in lines), lines[0].at)
