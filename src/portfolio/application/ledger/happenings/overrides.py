"""In whose name an override books."""

from __future__ import annotations

from collections.abc import Sequence

from portfolio.application.errors import OwnerAmbiguous


def owner_of_override(
    key: str, owner: str, owners: Sequence[str], *, owner_given: bool, is_named: bool = False
) -> str | OwnerAmbiguous:
    """Return the one who has something under the key of an override: ``owners`` all do.

    Where nobody has, it is the ``owner`` who asks. Where there are several, or others than the named one, it is an
    error.
    """
    if not owners or ((is_named or owner_given) and owner in owners):
        return owner
    if len(owners) == 1 and not owner_given:
        return owners[0]
    return OwnerAmbiguous(key, owners)
