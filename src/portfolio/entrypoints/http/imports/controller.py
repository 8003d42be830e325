"""Routes of imports: looked at, booked, listed, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from portfolio.application.errors import NotFound
from portfolio.application.imports.kept.answers import answers_of
from portfolio.application.imports.kept.looking import BookedPreview, BookPreview, LookAtImport
from portfolio.application.imports.kept.records import KeptPreview
from portfolio.application.imports.letting_go import let_go
from portfolio.application.imports.records import Preview
from portfolio.application.imports.worth import RatesRefused
from portfolio.application.in_thread import in_long_thread
from portfolio.domain.errors import NotReversible
from portfolio.entrypoints.http.errors import MALFORMED, NOT_FOUND, PROBLEMS, WRITE_PROBLEMS, FieldError, RequestError
from portfolio.entrypoints.http.imports.answers import (
    ImportBookedAnswer,
    ImportPreviewAnswer,
    ImportReversalAnswer,
    ImportsAnswer,
    OneImportAnswer,
    booked_answer,
    import_view,
    preview_answer,
    reversal_answer,
)
from portfolio.entrypoints.http.imports.requests import ImportForm, read_import
from portfolio.entrypoints.http.imports.slots import ImportSlots
from portfolio.entrypoints.http.imports.uploads import LARGEST_UPLOAD, read_upload
from portfolio.entrypoints.http.ledger.replies import replied
from portfolio.entrypoints.http.ledger.trades import read_id
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import PageSize, cursor_query, read_cursor, write_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.responses import JsonResponse
from portfolio.entrypoints.http.shell.use_cases import UseCases

ImportId = Annotated[str, PathParameter(description="The import's `id`: a whole number above zero.")]
PreviewId = Annotated[str, PathParameter(description="The `preview_id` of a preview.", max_length=64)]
ImportsCursor = Annotated[str | None, cursor_query("i")]


class ReverseImportBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether to book."""

    dry_run: Annotated[bool, Meta(description="Only say whether it can be taken back.")] = False


class ImportController(Controller):
    """Routes of imports."""

    tags = ["imports"]

    @post(
        "/imports",
        status_code=200,
        request_max_body_size=LARGEST_UPLOAD,
        summary="Look at files, to be booked afterwards",
        opt=access(Scope.TRADE, problems=WRITE_PROBLEMS, form=ImportForm),
    )
    async def preview_import(
        self, request: HttpRequest, cases: Injected[UseCases], import_slots: Injected[ImportSlots]
    ) -> Response[ImportPreviewAnswer]:
        """Say what each row of the files becomes: the dry run of `portfolio import`, in its words. Nothing is booked.

        Rows that look like what an engine has booked (same asset, side, quantity, price and time, nearly) are told in
        `like_booked`: they are booked all the same, unless `like_booked=leave-out`.
        The files are kept for a day, so that `POST /imports/{preview_id}/commit` books them; of a caller the newest
        eight previews are. The body is `multipart/form-data` of at most 16 MiB, each file a part `file`.
        """
        kept, files = await import_slots.within(_looked_at(request, cases.imports.look_at, cases.portfolio_id))
        return JsonResponse(preview_answer(kept, files, cases.clock.now()))

    @post(
        "/imports/{preview_id:str}/commit",
        status_code=200,
        summary="Book files that were looked at",
        opt=access(Scope.TRADE, problems=(NOT_FOUND, *WRITE_PROBLEMS)),
    )
    async def commit_import(
        self,
        request: HttpRequest,
        preview_id: PreviewId,
        cases: Injected[UseCases],
        import_slots: Injected[ImportSlots],
    ) -> Response[ImportBookedAnswer]:
        """Book the files of a preview in one transaction, as the books are by now: once, however often it is asked for.

        What became of each row is answered as in the preview. Asked again the answer is the same, `replayed: true`, for
        30 days. A preview belongs to the key that it was made with. `import_id` is null where nothing was new.
        """
        booking = _booked(cases.imports.book_preview, cases.portfolio_id, preview_id, request.user.owner(None))
        booked = await cases.uncancelled(import_slots.within(booking))
        return replied(booked_answer(booked, cases.clock.now()), replayed=booked.replayed)

    @get("/imports", summary="Imports, newest first", opt=access(Scope.READ))
    async def list_imports(
        self, cases: Injected[UseCases], limit: PageSize = 100, cursor: ImportsCursor = None
    ) -> ImportsAnswer:
        """Return imports, those of the command too, newest first, with how many rows of each file became what."""
        page = await cases.imports.stored.page(cases.portfolio_id, before=read_cursor(cursor), limit=limit)
        views = [import_view(one) for one in page.items]
        following = write_cursor("i", page.next_before)
        return ImportsAnswer(timestamp=cases.clock.now(), imports=views, count=len(views), next_cursor=following)

    @get("/imports/{import_id:str}", summary="One import", opt=access(Scope.READ, problems=(NOT_FOUND,)))
    async def read_import(self, import_id: ImportId, cases: Injected[UseCases]) -> OneImportAnswer:
        """Return one import: its files, the revisions of its entries, and whether it was taken back."""
        found = await cases.imports.stored.named(cases.portfolio_id, read_id(import_id, "import"))
        if found is None:
            raise NotFound("import", import_id)
        return OneImportAnswer(timestamp=cases.clock.now(), import_=import_view(found))

    @post(
        "/imports/{import_id:str}/reverse",
        status_code=200,
        summary="Take an import back as a whole",
        opt=access(Scope.ADMIN, problems=(NOT_FOUND, PROBLEMS[NotReversible], *WRITE_PROBLEMS)),
    )
    async def reverse_import(
        self,
        request: HttpRequest,
        import_id: ImportId,
        cases: Injected[UseCases],
        data: JSONBody[ReverseImportBody | None] = None,
    ) -> Response[ImportReversalAnswer]:
        """Book the opposite of each entry of an import, the newest first, in one transaction: whole or not at all.

        Where one cannot be taken back, `not-reversible` names it and says why. Entries that were taken back alone are
        left. Afterwards its files can be imported again. Asked again the answer is the reversal there is.
        """
        dry_run = data is not None and data.dry_run
        wanted, owner = read_id(import_id, "import"), request.user.owner(None)
        found = await cases.uncancelled(cases.imports.reverse(cases.portfolio_id, wanted, owner=owner, dry_run=dry_run))
        return replied(reversal_answer(found, cases.clock.now()), replayed=found.replayed)


async def _looked_at(request: HttpRequest, look: LookAtImport, portfolio_id: int) -> tuple[KeptPreview, bytes]:
    """Return the preview of what was sent, and as JSON what its rows become: the rows themselves are let go."""
    given = read_import(await read_upload(request))
    try:
        made = await look(portfolio_id, given, owner=request.user.owner(None))
    except RatesRefused as error:
        raise RequestError(MALFORMED, str(error), errors=[FieldError("rates", str(error))]) from error
    files = await in_long_thread(answers_of, made.files)
    await _let_go(made.files)
    return made.kept, files


async def _booked(book: BookPreview, portfolio_id: int, preview_id: str, owner: str) -> BookedPreview:
    """Return what was booked without its rows, which the answer has."""
    booked = await book(portfolio_id, preview_id, owner=owner)
    await _let_go(booked.files)
    return replace(booked, files=())


async def _let_go(files: Sequence[Preview]) -> None:
    await in_long_thread(let_go, *(one.events for one in files))
