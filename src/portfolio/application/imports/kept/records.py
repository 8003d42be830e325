"""Files that came over HTTP, how they are to be read, and what is kept of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from portfolio.application.imports.booking import ImportWish
from portfolio.application.imports.entering import Allowed
from portfolio.application.imports.kept.zones import zone_named
from portfolio.application.imports.records import Options
from portfolio.application.imports.worth import Rates

OPEN: Final = "open"
"""The state of a preview that was not booked yet."""

LEAVE_OUT: Final = "leave-out"
"""Rows that look like what was booked already are left out; else they are booked, and told."""

_LONGEST_ACCOUNT: Final = 128
ACCOUNT_NAME: Final = f"at most {_LONGEST_ACCOUNT} bytes of printable text"
"""What the name of an account may be."""

OPEN_FOR: Final = timedelta(days=1)
ANSWERED_FOR: Final = timedelta(days=30)
"""For how long the answer to a booking is kept, for who asks again."""
MOST_OPEN: Final = 8
"""How many previews of a caller are kept; a further one takes the place of the oldest."""


def is_account_name(text: str) -> bool:
    """Return whether an account may have this name."""
    return len(text.encode(errors="replace")) <= _LONGEST_ACCOUNT and text.isprintable()


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file by its name, with its bytes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How files are to be read and booked, in the words of the command."""

    format: str | None = None
    account: str = ""
    zone: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    funding: str | None = None
    opening: bool = False
    partial: bool = False
    like_booked: str | None = None

    def wish(self, files: int, rates: Rates, *, dry_run: bool) -> ImportWish:
        """Return what is wished of so many files, whose paths are their numbers."""
        options = Options(
            format=self.format,
            account=self.account,
            zone=None if self.zone is None else zone_named(self.zone),
            decimal=self.decimal,
            date_order=self.date_order,
        )
        return ImportWish(
            paths=[str(number) for number in range(files)],
            options=options,
            allowed=Allowed(funding=self.funding is not None, opening=self.opening),
            rates=rates,
            partial=self.partial,
            dry_run=dry_run,
            leaves_out=self.like_booked == LEAVE_OUT,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenImport:
    """Files to import, with a file of rates perhaps."""

    files: Sequence[GivenFile]
    asked: Asked
    rates: GivenFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPreview:
    """A preview as it is kept, without its files. ``request`` is JSON, see ``request_of``.

    Its ``import_id`` is None as long as it is open, and where nothing in its files was new.
    """

    preview_id: str
    portfolio_id: int
    owner: str
    created_at: datetime
    expires_at: datetime
    request: str
    state: str = OPEN
    import_id: int | None = None


def request_of(given: GivenImport) -> str:
    """Return as JSON how files are to be read, and their names."""
    names = [_text(file.name) for file in given.files]
    rates = None if given.rates is None else _text(given.rates.name)
    return json.dumps({"asked": asdict(given.asked), "files": names, "rates": rates})


def given_again(request: str, files: Sequence[bytes], rates: bytes | None) -> GivenImport:
    """Return files as they were given, of a request as it was kept; raises ValueError where that is none."""
    try:
        kept = json.loads(request)
        named = [GivenFile(name, content) for name, content in zip(kept["files"], files, strict=True)]
        asked = Asked(**kept["asked"])
        asked.wish(len(named), {}, dry_run=True)  # what it says can be carried out
        return GivenImport(
            files=named,
            asked=asked,
            rates=None if rates is None else GivenFile(kept["rates"], rates),
        )
    except (TypeError, LookupError) as error:
        raise ValueError(f"the request cannot be read: {error}") from error


def _text(name: str) -> str:
    return name.encode(errors="replace").decode()
