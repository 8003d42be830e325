"""A preview of files that came over HTTP: the dry run, kept so that it can be booked; and its booking."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import msgspec

from portfolio.application.announcer import NO_LISTENERS, Announcer
from portfolio.application.clock import Clock
from portfolio.application.errors import NotFound
from portfolio.application.imports.booking import BookImport
from portfolio.application.imports.kept.answers import answers_of
from portfolio.application.imports.kept.ports import Given, Imports
from portfolio.application.imports.kept.records import (
    ANSWERED_FOR,
    MOST_OPEN,
    OPEN,
    OPEN_FOR,
    GivenImport,
    KeptPreview,
    request_of,
)
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import Preview
from portfolio.application.imports.worth import Rates, read_rates
from portfolio.application.in_thread import in_long_thread
from portfolio.application.ledger.ports import Ledger, LedgerUnit
from portfolio.application.prices.ports import CloseFeed, PriceStore
from portfolio.domain.ledger.portfolio import BookingRules

_BYTES = 16


class MadePreview(msgspec.Struct, frozen=True):
    """A preview as it was made, and what each row of its files becomes."""

    kept: KeptPreview
    files: Sequence[Preview]


@dataclass(frozen=True, slots=True)
class BookedPreview:
    """A booking: the import that it is, None where nothing was booked, and as JSON what each row became.

    ``files`` are the same, as long as they are at hand: not where it is ``replayed``.
    """

    preview_id: str
    import_id: int | None
    answer: bytes
    replayed: bool
    files: Sequence[Preview] = field(default=(), compare=False)


class Importing(msgspec.Struct, kw_only=True):
    """What the use cases of previews are made of."""

    imports: Imports
    ledger: Ledger
    prices: PriceStore
    clock: Clock
    rules: BookingRules
    read_given: Given
    closes: CloseFeed | None = None
    announce: Announcer = NO_LISTENERS
    name: Callable[[], str] = lambda: secrets.token_hex(_BYTES)

    def book(self, given: GivenImport) -> BookImport:
        """Return the use case of an import on these files."""
        preview = PreviewImport(self.read_given(given.files), self.clock)
        return BookImport(preview, self.ledger, self.prices, self.clock, self.rules, self.announce, self.closes)

    async def rates(self, given: GivenImport) -> Rates:
        """Return the rates that came along; raises RatesRefused where the file is no table of rates."""
        if given.rates is None:
            return {}
        return await in_long_thread(read_rates, self.read_given([given.rates]), "0")


class LookAtImport(msgspec.Struct):
    """Says what files would become, and keeps them so that they can be booked."""

    of: Importing

    async def __call__(self, portfolio_id: int, given: GivenImport, *, owner: str) -> MadePreview:
        """Return the preview, once it is kept; raises RatesRefused where the file of rates is none."""
        of = self.of
        asked = given.asked
        wish = asked.wish(len(given.files), await of.rates(given), dry_run=True)
        standing = partial(of.imports.standing, portfolio_id, asked.account)
        files = await of.book(given)(portfolio_id, wish, standing=standing)
        now = of.clock.now()
        kept = KeptPreview(
            preview_id=of.name(),
            portfolio_id=portfolio_id,
            owner=owner,
            created_at=now,
            expires_at=now + OPEN_FOR,
            request=request_of(given),
        )
        await of.imports.keep(kept, given, most_open=MOST_OPEN, now=now)
        return MadePreview(kept, files)


class BookPreview(msgspec.Struct):
    """Books what was looked at: the same files, read once more, as the books are by now."""

    of: Importing

    async def __call__(self, portfolio_id: int, preview_id: str, *, owner: str) -> BookedPreview:
        """Return what was booked, once it is committed; what there is where it was booked before.

        Where nothing was booked as rows are reported, the preview stays open: the books may be others next time.

        Raises:
            NotFound: there is no such preview of this owner, or it has expired.
        """
        of = self.of
        kept = await self._named(portfolio_id, preview_id, owner)
        given = await of.imports.given(kept) if kept.state == OPEN else None
        if given is not None:
            wish = given.asked.wish(len(given.files), await of.rates(given), dry_run=False)
            within = _Within(preview_id, of.clock.now() + ANSWERED_FOR)

            standing = partial(of.imports.standing, portfolio_id, given.asked.account)
            try:
                files = await of.book(given)(portfolio_id, wish, within=within, standing=standing)
            except _BookedBefore:
                pass  # by another request, or another instance, since it was looked up
            else:
                return BookedPreview(preview_id, within.import_id, within.answer, replayed=False, files=files)
            kept = await self._named(portfolio_id, preview_id, owner)
        answer = await of.imports.answer(preview_id)
        if answer is None:
            raise NotFound("preview", preview_id)
        return BookedPreview(preview_id, kept.import_id, answer, replayed=True)

    async def _named(self, portfolio_id: int, preview_id: str, owner: str) -> KeptPreview:
        kept = await self.of.imports.preview(preview_id)
        if kept is None or (kept.portfolio_id, kept.owner) != (portfolio_id, owner):
            raise NotFound("preview", preview_id)
        if kept.expires_at <= self.of.clock.now():
            raise NotFound("preview", f"{preview_id} any more: it has expired")
        return kept


class _BookedBefore(Exception):
    """The preview was booked meanwhile."""


class _Within(msgspec.Struct):
    """Marks the preview in the transaction of its import; not where nothing was booked of it but reported."""

    preview_id: str
    until: datetime
    import_id: int | None = None
    answer: bytes = b""

    async def begin(self, unit: LedgerUnit) -> None:
        is_booked = await unit.imports.is_booked(self.preview_id)
        if is_booked is None:
            raise NotFound("preview", self.preview_id)
        if is_booked:
            raise _BookedBefore

    async def end(self, unit: LedgerUnit, previews: Sequence[Preview], import_id: int | None) -> None:
        self.import_id = import_id
        self.answer = await in_long_thread(answers_of, previews)
        if import_id is not None or not any(one.reported for one in previews):
            await unit.imports.book_preview(self.preview_id, import_id, self.answer, self.until)

    async def is_kept(self, unit: LedgerUnit) -> bool:
        return bool(await unit.imports.is_booked(self.preview_id))
