"""What is said of events that look like what was booked already, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portfolio.application.imports.already.likeness import likenesses
from portfolio.application.imports.records import Like, Preview
from portfolio.application.ledger.happenings.imported import BookedMove
from portfolio.domain.decimal_text import listed
from portfolio.domain.imports.records import Ignored, Place

_NAMED = 3


class Likes:
    """The events of files that look like entries that no import made.

    They are told, and booked like any other: two may be alike and not the same. Where they are left out, their rows are
    known, with all that is of the same rows.
    """

    def __init__(self, previews: Mapping[int, Preview], booked: Sequence[BookedMove], *, leaves_out: bool) -> None:
        self._previews = previews
        self._rows: dict[int, dict[tuple[Place, ...], Sequence[BookedMove]]] = {}
        if not booked:
            return
        places = [(number, one) for number, preview in previews.items() for one in preview.events]
        for at, moves in likenesses([one.event for _, one in places], booked).items():
            number, one = places[at]
            self._rows.setdefault(number, {}).setdefault(one.event.rows, moves)
        if leaves_out:
            self._leave_out()

    def _leave_out(self) -> None:
        for number, rows in self._rows.items():
            preview = self._previews[number]
            preview.events = [one for one in preview.events if one.event.rows not in rows]
            known = {row: moves for places, moves in rows.items() for row in places}
            preview.known += [Ignored(row, f"{looks_like(moves)}: it is left out") for row, moves in known.items()]
            preview.known.sort(key=lambda one: one.row if isinstance(one.row, int) else 0)
        self._rows = {}

    def tell(self) -> None:
        """Say in the previews which of the events that are left look like what."""
        for number, rows in self._rows.items():
            preview = self._previews[number]
            there = dict.fromkeys(one.event.rows for one in preview.events)
            preview.like_booked = [Like(places, rows[places]) for places in there if places in rows]


def by_whom(likes: Sequence[Like]) -> str:
    """Return the engines and owners that booked what rows look like; nothing where none has a name."""
    return ", ".join(dict.fromkeys(one.by for like in likes for one in like.booked if one.by))


def looks_like(moves: Sequence[BookedMove]) -> str:
    """Return what something looks like, and who booked that."""
    if len({one.by for one in moves}) > 1:
        return f"looks like {listed([f'{one.name}{_of(one.by)}' for one in moves], _NAMED)}"
    return f"looks like {listed([one.name for one in moves], _NAMED)}{_of(moves[0].by)}"


def _of(name: str) -> str:
    return f" of {name}" if name else ""
