"""Times as files write them. A time without a zone, or a day that may be a month, is refused and not guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from portfolio.domain.imports.records import RowRefused

_SHAPE = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})"
    r"(?:(?:T|,? +)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:[ \u00a0\u202f]?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r" ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SHORT_YEAR = re.compile(r"\d\d-\d{1,2}-\d{1,2}(?!\d)", re.ASCII)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?", re.ASCII)
_IN_NAME = re.compile(r"\(UTC(?:[+-]*(?P<offset>[+-]\d{1,2}(?::?\d\d)?))?\)", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2009, 2200
_UTC, _MARKS = {" UTC", "Z"}, {"-- ::", "--T::"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MILLISECOND = 1_230_768_000_000  # in 2009, when there were no coins yet; seconds of now are far below
_LAST_MILLISECOND = 7_000_000_000_000  # in 2191
_SECONDS = re.compile(r"\d:\d\d:\d\d", re.ASCII)


def offset_in(text: str) -> tzinfo:
    """Return the zone of an offset such as ``+02:00``, ``-6``; of nothing at all, UTC.

    Raises:
        RowRefused: no offset, or a day or more.
    """
    if not text:
        return UTC
    found = _OFFSET.fullmatch(text)
    if found is None or int(found["hours"]) > 23 or int(found["minutes"] or 0) > 59:
        raise RowRefused(f"{text[:20]!r} is not an offset such as +02:00")
    span = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(-span if found["sign"] == "-" else span) if span else UTC


def zone_in_name(name: str) -> tzinfo | None:
    """Return the zone that a file's name states, as in ``(UTC+2)`` and ``(UTC--6)``; None where it states none."""
    found = _IN_NAME.search(name)
    try:
        return None if found is None else offset_in(found["offset"] or "")
    except RowRefused:
        return None


def moment_in(text: str, zone: tzinfo | None, *, order: str | None = None, short_year: bool = False) -> datetime:
    """Return the moment in UTC; a day without a time is its midnight, in ``zone`` or else in UTC.

    ``order`` is that of day, month and year where it is not the year that stands first with four digits;
    ``short_year`` says that the year stands first with two, as in ``23-09-29``: of ``23/09/29`` that is not said.

    Raises:
        RowRefused: no time, a day that may be a month, no zone, or a local time that was never or twice; ``order`` says
            something else of a short year.
    """
    quick = usual_moment(text, zone)
    if quick is not None:
        return quick
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise RowRefused(f"{text[:40]!r} is not a time")
    if short_year and _SHORT_YEAR.match(text):
        if order not in {None, "ymd"}:
            raise RowRefused(
                f"{text!r}: the exchange writes the year first here, and {order} was said",
                "write the year with four digits, or import this file without --date-order",
            )
        order = "ymd"
    local = _local(found, text, order=order)
    stated = found["zone"]
    if stated:
        zone = UTC if stated in {"Z", "UTC", "GMT"} else offset_in(stated)
    elif zone is None and not found["hour"]:
        zone = UTC
    if zone is None:
        raise RowRefused(f"{text!r} has no zone", "give --zone, such as --zone=+02:00")
    moment = _moment(local.replace(tzinfo=zone), text)
    if moment.year < _FIRST_YEAR:  # in UTC, as the books have it
        raise RowRefused(f"{text!r} is no time that can be: the year is {moment.year}")
    return moment


def has_seconds(text: str) -> bool:
    """Return whether a time has its seconds: a file that a spreadsheet saved again has lost them."""
    return _SECONDS.search(text) is not None


def usual_moment(text: str, zone: tzinfo | None) -> datetime | None:
    """Return the moment of ``2025-01-17 16:57:02`` in UTC, which most files write; None where it is anything else."""
    suffix = text[19:]
    if text[4:17:3] not in _MARKS or (suffix not in _UTC if suffix else zone is not UTC):
        return None
    try:
        moment = datetime.fromisoformat(f"{text[:19]}+00:00")
    except ValueError:
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _local(found: re.Match[str], text: str, order: str | None) -> datetime:
    a, _, b, c, hour, minute, second, fraction, half, _ = found.groups()
    if len(a) == 4:
        order = "ymd"
    if order is None:
        raise RowRefused(f"{text!r}: which is the day, which the month", "give --date-order=dmy, mdy or ymd")
    year, month, day = (a, b, c) if order == "ymd" else (c, b, a) if order == "dmy" else (c, a, b)
    ends_day = (
        hour == "24" and half is None and not any(int(part or 0) for part in (minute, second, fraction))
    )  # as ISO 8601 has it
    try:
        local = datetime(  # noqa: DTZ001  its zone comes next
            int(year) + 2000 if len(year) <= 2 else int(year),
            int(month),
            int(day),
            0 if ends_day else _hour(hour, half),
            int(minute or 0),
            int(second or 0),
            int(fraction.ljust(6, "0")[:6]) if fraction else 0,
        )
    except ValueError as error:
        hint = "" if len(found["a"]) == 4 else f" in the order {order}"
        raise RowRefused(f"{text!r} is not a time{hint}") from error
    if not _FIRST_YEAR <= local.year <= _LAST_YEAR:
        raise RowRefused(f"{text!r} is no time that can be: the year is {local.year}")
    return local + ends_day * timedelta(days=1)


def _hour(hour: str | None, half: str | None) -> int:
    """Return an hour of the day; raises ValueError where a half of it is named, and twelve hours have no such one."""
    number = int(hour or 0)
    if half is None:
        return number
    if not 1 <= number <= 12:
        raise ValueError(hour)
    return number % 12 + 12 * (half in "Pp")


def _moment(local: datetime, text: str) -> datetime:
    if local.tzinfo is UTC:
        return local
    moment = local.astimezone(UTC)
    if isinstance(local.tzinfo, timezone):  # the clocks of a fixed offset are never changed
        return moment
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise RowRefused(
            f"{text!r} was left out when the clocks of {local.tzinfo} were changed",
            "either that is not the zone of the file, or write the offset of this row behind its time, such as +01:00",
        )
    if local.replace(fold=1).utcoffset() != local.utcoffset():
        first, second = (local.replace(fold=fold).isoformat()[-6:] for fold in (0, 1))
        raise RowRefused(
            f"{text!r} was twice when the clocks of {local.tzinfo} were changed",
            f"write which of the two it was behind the time, {first} or {second}",
        )
    return moment


def millisecond_in(text: str) -> datetime:
    """Return the moment of milliseconds since 1970; raises RowRefused where there are none, as of seconds."""
    if not (text.isdecimal() and text.isascii() and _FIRST_MILLISECOND <= int(text[:20]) <= _LAST_MILLISECOND):
        raise RowRefused(f"{text[:40]!r} is not a time in milliseconds")
    return _EPOCH + timedelta(milliseconds=int(text))
