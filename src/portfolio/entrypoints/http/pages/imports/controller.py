"""The page of imports: files are looked at, booked, and listed. Whoever changes the books shows a key each time."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect, Template

from portfolio.application.errors import NotFound
from portfolio.application.imports.kept.looking import BookPreview, MadePreview
from portfolio.application.imports.records import Preview
from portfolio.application.imports.worth import RatesRefused
from portfolio.application.in_thread import in_long_thread
from portfolio.application.ledger.happenings.imported import KeptImport
from portfolio.entrypoints.http.errors import FORBIDDEN, MALFORMED, UNAUTHORIZED, FieldError, RequestError, headers_of
from portfolio.entrypoints.http.imports.controller import ImportsCursor
from portfolio.entrypoints.http.imports.requests import ImportForm, read_import
from portfolio.entrypoints.http.imports.slots import ImportSlots
from portfolio.entrypoints.http.imports.uploads import LARGEST_UPLOAD, Upload, read_upload
from portfolio.entrypoints.http.ledger.trades import read_id
from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.pages.frame.page import Look, Pages
from portfolio.entrypoints.http.pages.frame.typed import messages
from portfolio.entrypoints.http.pages.imports.content import import_content, looked_at, shown_file
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.auth import Scope
from portfolio.entrypoints.http.shell.bodies import read_cursor
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected
from portfolio.entrypoints.http.shell.use_cases import UseCases

IMPORTS_A_PAGE: Final = 20
NOTHING_NEW: Final = "none"
_PATH: Final = "/pages/import"
_KEY: Final = "key"

Booked = Annotated[str | None, QueryParameter(description="The import that was made.", max_length=20)]


class CommitForm(msgspec.Struct, forbid_unknown_fields=True):
    """The preview that is to be booked, and a key that may."""

    preview_id: Annotated[str, msgspec.Meta(max_length=64)]
    key: str = ""

    def __repr__(self) -> str:
        """Return nothing of what it holds: a traceback in the log shows what functions were given."""
        return "CommitForm(...)"


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a form: what it ``asked``, as it was typed, and the files that were ``looked`` at, or why none."""

    asked: Mapping[str, str] = msgspec.field(default_factory=dict)
    looked: Mapping[str, Any] | None = None
    refused: RequestError | None = None


_NO_FORM: Final = Posted()


class ImportPage:
    """Makes the page."""

    def __init__(self, pages: Pages, cases: UseCases, admission: Admission) -> None:
        self._pages = pages
        self._imports = cases.imports.stored
        self._portfolio_id = cases.portfolio_id
        self._deadline_seconds = cases.read_deadline_seconds
        self._admission = admission

    async def __call__(
        self,
        request: HttpRequest,
        posted: Posted = _NO_FORM,
        *,
        before: int | None = None,
        booked: str | None = None,
    ) -> Template:
        """Return the page; with what came of a form, and under the status of what was refused.

        Raises:
            RequestError: what was refused is not to be mended by another form, as too many requests.
            NotFound: there is no import of that number.
        """
        refused = posted.refused
        if refused is not None and refused.kind not in {MALFORMED, UNAUTHORIZED, FORBIDDEN}:
            raise refused
        reading = await self._pages.reading()
        look = Look(reading, self._deadline_seconds)
        page = await look(lambda: self._imports.page(self._portfolio_id, before=before, limit=IMPORTS_A_PAGE))
        made = None
        if booked is not None and booked != NOTHING_NEW:
            made = await self._made(look, booked)
            if made is None and page is not None:
                raise NotFound("import", booked)
        content = {
            **import_content(reading, page, posted.asked, made),
            "is_keyed": self._admission.is_keyed,
            "mistakes": _mistakes(refused),
            "looked": posted.looked,
            "is_nothing_new": booked == NOTHING_NEW,
            "is_first": before is None,
        }
        answer = self._pages.page(request, "import.html", "Import", reading, is_still=True, content=content)
        if refused is not None:
            answer.status_code = refused.kind.status
            answer.headers |= headers_of(refused, refused.kind)
        return answer

    async def _made(self, look: Look, booked: str) -> KeptImport | None:
        """Return the import of a number; None where there is none, or it cannot be read."""
        number = read_id(booked, "import")
        return await look(lambda: self._imports.named(self._portfolio_id, number))


class ImportPageController(Controller):
    """Routes of imports as people look at them. A form of another page is refused, by its Origin."""

    include_in_schema = False
    response_headers = HEADERS
    dto = None

    @get(_PATH, opt=access(Scope.READ))
    async def read_imports_page(
        self,
        request: HttpRequest,
        import_page: Injected[ImportPage],
        cursor: ImportsCursor = None,
        booked: Booked = None,
    ) -> Template:
        """Return the form, what was booked last, and the imports there were."""
        return await import_page(request, before=read_cursor(cursor), booked=booked)

    @post(
        _PATH,
        status_code=200,
        request_max_body_size=LARGEST_UPLOAD,
        opt=access(Scope.READ, is_form=True, form=ImportForm),
    )
    async def look_at_files(
        self,
        request: HttpRequest,
        import_page: Injected[ImportPage],
        admission: Injected[Admission],
        cases: Injected[UseCases],
        import_slots: Injected[ImportSlots],
    ) -> Template:
        """Return what each row of the files becomes, with the form that books them."""
        with import_slots.taken():
            upload = await read_upload(request)
            try:
                caller = admission.holder(request.scope, upload.texts.get(_KEY, "").strip(), Scope.TRADE)
                given = read_import(upload, also=(_KEY,))
                looked = await _looked_at(cases.imports.look_at(cases.portfolio_id, given, owner=caller.owner(None)))
            except RatesRefused as error:
                refused = RequestError(MALFORMED, str(error), errors=[FieldError("rates", str(error))])
                return await import_page(request, Posted(asked=_shown(upload), refused=refused))
            except RequestError as error:
                return await import_page(request, Posted(asked=_shown(upload), refused=error))
        return await import_page(request, Posted(asked=_shown(upload), looked=looked))

    @post(f"{_PATH}/commit", status_code=200, opt=access(Scope.READ, is_form=True))
    async def commit_files(
        self,
        request: HttpRequest,
        import_page: Injected[ImportPage],
        admission: Injected[Admission],
        cases: Injected[UseCases],
        import_slots: Injected[ImportSlots],
        data: Annotated[CommitForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[None] | Template:
        """Book what was looked at, and lead to what came of it; where the key is none, ask for it again.

        Where nothing could be booked, it says why.
        """
        try:
            caller = admission.holder(request.scope, data.key.strip(), Scope.TRADE)
        except RequestError as error:
            return await import_page(request, Posted(looked=looked_at(data.preview_id), refused=error))
        booking = _booked(cases.imports.book_preview, cases.portfolio_id, data.preview_id, caller.owner(None))
        import_id, looked = await cases.uncancelled(import_slots.within(booking))
        if looked is not None:
            return await import_page(request, Posted(looked=looked))
        return Redirect(f"{_PATH}?booked={import_id or NOTHING_NEW}", status_code=303)


# What is large is let go in these: the page needs some hundred rows of it.


async def _looked_at(looking: Awaitable[MadePreview]) -> dict[str, Any]:
    made = await looking
    return looked_at(made.kept.preview_id, await _shown_files(made.files))


async def _booked(
    book: BookPreview, portfolio_id: int, preview_id: str, owner: str
) -> tuple[int | None, Mapping[str, Any] | None]:
    """Return the import that was booked; else, where rows are reported, what is to be shown of it."""
    made = await book(portfolio_id, preview_id, owner=owner)
    if made.import_id is not None or not any(one.reported for one in made.files):
        return made.import_id, None
    return None, looked_at(made.preview_id, await _shown_files(made.files), was_tried=True)


async def _shown_files(files: Sequence[Preview]) -> list[dict[str, Any]]:
    return await in_long_thread(lambda: [shown_file(one) for one in files])


def _shown(upload: Upload) -> Mapping[str, str]:
    """Return what was typed, to be shown again; never the key."""
    return {name: text for name, text in upload.texts.items() if name != _KEY}


def _mistakes(refused: RequestError | None) -> Mapping[str, str]:
    if refused is None:
        return {}
    if refused.kind is MALFORMED:
        return messages(refused.errors) or {"file": str(refused)}
    return {_KEY: str(refused)}
