"""What is remarked on an execution: it moves no money, so it is taken as well as it can be."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from msgspec import UNSET, Raw, UnsetType

from portfolio.domain.errors import OutOfRange
from portfolio.domain.ledger.trade import why_not_then
from portfolio.domain.money import round_to_step
from portfolio.entrypoints.http.shell.bodies import (
    LONGEST_NAME,
    LONGEST_NOTE,
    REPLACEMENT,
    parse_wall_time,
    read_note,
    text_of,
)
from portfolio.entrypoints.http.shell.numbers import parse_number

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_ECHO = 40


class Remarks:
    """Reads the remarks of one booking, and gathers what could not be kept as it was sent."""

    def __init__(self) -> None:
        self._changes: list[str] = []
        self._cuts: list[str] = []

    @property
    def changes(self) -> str | None:
        """Return what is answered of the changes; None where there are none."""
        return "; ".join([*self._changes, *self._cuts]) or None

    def noted(self, notes: str | None) -> str | None:
        """Return the notes with an end that says what was changed beside them; None where nothing was."""
        if not self._changes:
            return None
        return " ".join(filter(None, [notes, f"[{'; '.join(self._changes)}]"]))

    def name(self, field: str, raw: Raw | UnsetType) -> str | None:
        """Return an opaque name, of anything else its JSON: cut, and without control characters."""
        if raw is UNSET:
            return None
        sent = text_of(raw)
        text = _CONTROL.sub(REPLACEMENT, sent)
        if text != sent:
            self._changes.append(f"{field}: control characters are replaced")
        if len(text) > LONGEST_NAME:
            self._changes.append(f"{field}: cut, of {len(text)} characters")
        return text[:LONGEST_NAME] if text.strip() else None

    def notes(self, raw: Raw | UnsetType) -> str | None:
        """Return the notes; the end of notes that are cut says so by itself."""
        if raw is not UNSET and len(text := text_of(raw)) > LONGEST_NOTE:
            self._cuts.append(f"notes: cut, of {len(text)} characters")
        return read_note(raw)

    def share(self, field: str, raw: Raw | UnsetType) -> Decimal | None:
        """Return a number from 0 to 1; None, which is said, of anything else."""
        if raw is UNSET:
            return None
        try:
            value = round_to_step(parse_number(raw))
        except (ValueError, OutOfRange):
            value = None
        if value is None or not 0 <= value <= 1:
            self._changes.append(f"{field}: {_echo(raw)} is left out, a number from 0 to 1 is taken")
            return None
        return value

    def moment(self, field: str, raw: Raw | UnsetType, now: datetime) -> tuple[datetime, datetime | None]:
        """Return when it was executed, and what was stated, both in UTC.

        ``now`` counts where nothing was stated, or nothing that can be: no moment, before 1970, or over 60 s ahead.
        """
        if raw is UNSET:
            return now, None
        try:
            stated = parse_wall_time(text_of(raw))
        except ValueError as error:
            self._left_out(field, raw, str(error))
            return now, None
        if stated.tzinfo is None:
            stated = stated.replace(tzinfo=UTC)
            self._changes.append(f"{field}: {_echo(raw)} has no offset and is taken as UTC")
        why = why_not_then(stated, now)
        if why is None:
            return stated, stated
        self._left_out(field, raw, why)
        return now, stated

    def _left_out(self, field: str, raw: Raw, reason: str) -> None:
        self._changes.append(f"{field}: {_echo(raw)} {reason}; the time of booking counts")


def _echo(raw: Raw) -> str:
    text = _CONTROL.sub(REPLACEMENT, text_of(raw))
    return repr(text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}...")
