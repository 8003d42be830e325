"""What is to be imagined, as it was typed into the form: trades and settings of the policy, one a line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Raw, UnsetType

from portfolio.application.rebalancing.planning import ImaginedTrade
from portfolio.entrypoints.http.errors import FieldError, RequestError
from portfolio.entrypoints.http.pages.frame.typed import Lines
from portfolio.entrypoints.http.rebalancing.requests import (
    MOST_TRADES,
    PolicyBody,
    TradeBody,
    imagined_trades,
    policy_changes,
)
from portfolio.entrypoints.http.shell.bodies import Typed
from portfolio.entrypoints.http.shell.numbers import is_number

LISTS: Final = ("uncapped_categories", "stable_categories")
SETTINGS: Final = tuple(name for name in PolicyBody.__struct_fields__ if name not in {"priorities", "confidences"})
SIDES: Final = frozenset({"BUY", "SELL"})

_PLACE = re.compile(r"trades\[([0-9]+)\]\.?")


class WhatIfForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed; None where a field was left empty."""

    trades: Typed = None
    policy: Typed = None

    @property
    def is_asked(self) -> bool:
        """Return whether anything is to be imagined."""
        return bool(self.trades or self.policy)

    @property
    def without_trades(self) -> str:
        """Return the query of a link to the same policy alone."""
        return f"?{urlencode({'policy': self.policy})}" if self.policy else ""

    def read(self) -> tuple[Sequence[ImaginedTrade], Mapping[str, object], Sequence[FieldError]]:
        """Return the trades and the settings to imagine, and what is wrong with what was typed."""
        trades, policy = Lines("trades", self.trades or ""), Lines("policy", self.policy or "")
        imagined, changes = _read_trades(trades), _read_policy(policy)
        return imagined, changes, [*trades.mistakes, *policy.mistakes]


def placed(error_field: str) -> tuple[int | None, str]:
    """Return the place of the trade that a field of an answer to ``POST /rebalance/what-if`` names, and the rest.

    >>> placed("trades[3].price"), placed("policy.fee_bps")
    ((3, 'price'), (None, 'policy.fee_bps'))
    """
    found = _PLACE.match(error_field)
    return (int(found[1]), error_field[found.end() :]) if found else (None, error_field)


def line_of(form: WhatIfForm, place: int) -> int:
    """Return the line on which the trade in a place stands."""
    lines = Lines("trades", form.trades or "")
    lines.read()
    return lines.numbers[place]


def _read_trades(lines: Lines) -> Sequence[ImaginedTrade]:
    written = lines.read()
    if len(written) > MOST_TRADES:
        lines.refuse(f"takes at most {MOST_TRADES} trades")
        return ()
    bodies = [_trade(lines, place, line) for place, line in enumerate(written)]
    known = [body for body in bodies if body is not None]
    if len(known) < len(bodies):
        return ()
    try:
        return tuple(imagined_trades(known))
    except RequestError as error:
        for one in error.errors:
            place, name = placed(one.field)
            lines.refuse(f"{name} {one.message}", place)
        return ()


def _trade(lines: Lines, place: int, line: str) -> TradeBody | None:
    """Return the trade of a line such as ``SELL 0.2 BTC at 45000 fees 3``; None, and a complaint, where it is none."""
    side, *words = line.replace("@", " at ").split()
    if side.upper() not in SIDES:
        lines.refuse("begins with BUY or SELL, such as SELL 0.2 BTC", place)
        return None
    if len(words) < 2:
        lines.refuse("needs a quantity and a symbol, such as SELL 0.2 BTC", place)
        return None
    first, second, *rest = words
    quantity, symbol = (first, second) if is_number(first) or not is_number(second) else (second, first)
    named = dict(zip([word.lower() for word in rest[::2]], rest[1::2], strict=False))
    if len(rest) % 2 or len(named) < len(rest) / 2 or not named.keys() <= {"at", "fees"}:
        lines.refuse("may end with at and a price, and with fees and an amount: SELL 0.2 BTC at 45000 fees 3", place)
        return None
    return TradeBody(
        symbol=symbol,
        side=side,
        quantity=Raw(quantity.encode()),
        price=_raw(named.get("at")),
        fees=_raw(named.get("fees")),
    )


def _raw(text: str | None) -> Raw | UnsetType:
    return UNSET if text is None else Raw(text.encode())


def _read_policy(lines: Lines) -> Mapping[str, object]:
    changes = lines.settings(SETTINGS, lists=LISTS)
    try:
        return policy_changes(PolicyBody(**changes))
    except RequestError as error:
        for one in error.errors:
            lines.refuse(f"{one.field.removeprefix('policy.')} {one.message}")
        return {}
