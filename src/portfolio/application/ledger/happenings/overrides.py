"""In whose name an override books."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from portfolio.application.errors import OwnerAmbiguous
from portfolio.application.ledger.ports import Ledger
from portfolio.application.ledger.records import BookTrade

if TYPE_CHECKING:
    from portfolio.application.ledger.cash import MoveCash
    from portfolio.application.ledger.happenings.records import BookEvent

W = TypeVar("W", "BookTrade", "BookEvent", "MoveCash")


async def in_their_names(
    ledger: Ledger,
    portfolio_id: int,
    wishes: Sequence[W],
    key_of: Callable[[W], str | None],
    *,
    of_cash: bool = True,
) -> Sequence[W | OwnerAmbiguous]:
    """Return the wishes, each override in the name of the one who has something under its key.

    Where nobody has, it is the owner who asks. In the place of one of which there are several such owners, or others
    than the one who is given, or whom a trade names as its engine, stands the error. Those who have something under
    the key by the turn of a wish count: each wish before it is kept, booked or refused.
    """
    keys = {key for wish in wishes if wish.override and (key := key_of(wish))}
    if not keys:
        return wishes
    kept = await ledger.owners_of(portfolio_id, keys, of_cash=of_cash)
    owners_of = {key: set(kept.get(key, ())) for key in keys}
    found: list[W | OwnerAmbiguous] = []
    for wish in wishes:
        key = key_of(wish)
        if key is None or key not in owners_of:
            found.append(wish)
            continue
        owners = owners_of[key]
        one = _in_its_name(wish, key, owners) if wish.override else wish
        found.append(one)
        if not isinstance(one, OwnerAmbiguous) and not (one.adopts_open and (_engine_of(one) or "") in owners):
            owners.add(one.owner)
    return found


def _in_its_name(wish: W, key: str, owners: Collection[str]) -> W | OwnerAmbiguous:
    is_named = wish.owner_given or wish.owner == _engine_of(wish)
    if not owners or (is_named and wish.owner in owners):
        return wish
    if len(owners) == 1 and not wish.owner_given:
        return replace(wish, owner=next(iter(owners)))
    return OwnerAmbiguous(key, sorted(owners))


def _engine_of(wish: BookTrade | BookEvent | MoveCash) -> str | None:
    return wish.engine if isinstance(wish, BookTrade) else None
