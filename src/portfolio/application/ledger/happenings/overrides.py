"""In whose name an override books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from portfolio.application.errors import OwnerAmbiguous
from portfolio.application.ledger.ports import Ledger

if TYPE_CHECKING:
    from portfolio.application.ledger.cash import MoveCash
    from portfolio.application.ledger.happenings.records import BookEvent
    from portfolio.application.ledger.records import BookTrade

W = TypeVar("W", "BookTrade", "BookEvent", "MoveCash")


async def in_their_names(  # shape: the same for trades, events and money
    ledger: Ledger,
    portfolio_id: int,
    wishes: Sequence[W],
    key_of: Callable[[W], str | None],
    *,
    of_cash: bool = True,
    is_named: Callable[[W], bool] = lambda wish: False,
) -> Sequence[W | OwnerAmbiguous]:
    """Return the wishes, each override in the name of the one who has something under its key.

    Where nobody has, it is the owner who asks. In the place of one of which there are several such owners, or others
    than the one who ``is_named`` or given, stands the error.
    """
    keys = {key for wish in wishes if wish.override and (key := key_of(wish))}
    if not keys:
        return wishes
    owners_of = await ledger.owners_of(portfolio_id, keys, of_cash=of_cash)
    found: list[W | OwnerAmbiguous] = []
    for wish in wishes:
        key = key_of(wish)
        owners = owners_of.get(key, ()) if key is not None and wish.override else ()
        if key is None or not owners or ((wish.owner_given or is_named(wish)) and wish.owner in owners):
            found.append(wish)
        elif len(owners) == 1 and not wish.owner_given:
            found.append(replace(wish, owner=owners[0]))
        else:
            found.append(OwnerAmbiguous(key, owners))
    return found
