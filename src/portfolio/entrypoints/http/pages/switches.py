"""The forms of the pages: signing in and out, and privacy. They set cookies, and change nothing else."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect, Template

from portfolio.entrypoints.http.errors import FORBIDDEN, UNAUTHORIZED, RequestError, headers_of
from portfolio.entrypoints.http.pages.frame.headers import HEADERS, is_page
from portfolio.entrypoints.http.pages.frame.page import PRIVATE_COOKIE
from portfolio.entrypoints.http.pages.frame.problem_pages import DOCS, sign_in_page
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.admission import Admission
from portfolio.entrypoints.http.shell.injection import HttpRequest, Injected

SIGN_IN: Final = "/pages/sign-in"
A_YEAR: Final = 31_536_000
_PRINTABLE = re.compile(r"[!-~]+")


class SignInForm(msgspec.Struct, forbid_unknown_fields=True):
    """The key, and the page to come back to."""

    key: str
    back: str = "/"

    def __repr__(self) -> str:
        """Return nothing of what it holds: a traceback in the log shows what functions were given."""
        return "SignInForm(...)"


class SignOutForm(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing."""


class PrivacyForm(msgspec.Struct, forbid_unknown_fields=True):
    """Whether amounts are to be left out, and the page to come back to."""

    private: Literal["0", "1"]
    back: str = "/"


class SwitchController(Controller):
    """Routes of the forms. A form of another page is refused, by its Origin."""

    include_in_schema = False
    response_headers = HEADERS
    dto = None

    @get(SIGN_IN, opt=access(None))
    async def ask_for_key(self, request: HttpRequest) -> Template:
        """Return the form again, where a browser asks for the address that the form was sent to."""
        return sign_in_page(request, back="/")

    @post(SIGN_IN, opt=access(None, is_form=True))
    async def sign_in(
        self,
        request: HttpRequest,
        admission: Injected[Admission],
        data: Annotated[SignInForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[None] | Template:
        """Take a key, answer a cookie, and lead back; where it is none, ask again."""
        back = _own_page(data.back)
        if not admission.is_keyed:
            return _lead(back)
        try:
            cookie = admission.sign_in(request.scope, data.key.strip())
        except RequestError as error:
            if error.kind not in {UNAUTHORIZED, FORBIDDEN}:
                raise
            headers = headers_of(error, error.kind)
            return sign_in_page(request, back=back, status_code=error.kind.status, headers=headers, why=str(error))
        answer = _lead(back)
        answer.set_cookie(cookie)
        return answer

    @post("/pages/sign-out", opt=access(None, is_form=True))
    async def sign_out(
        self,
        admission: Injected[Admission],
        data: Annotated[SignOutForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[None]:
        """Make the browser forget its cookie, and lead to the first page."""
        answer = _lead("/")
        answer.set_cookie(admission.sign_out())
        return answer

    @post("/pages/privacy", opt=access(None, is_form=True))
    async def switch_privacy(
        self,
        admission: Injected[Admission],
        data: Annotated[PrivacyForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[None]:
        """Turn privacy on or off, and lead back.

        Its cookie goes along where one comes by a link from elsewhere too: the page is private then as well.
        """
        answer = _lead(_own_page(data.back))
        answer.set_cookie(admission.cookie(PRIVATE_COOKIE, data.private, A_YEAR, samesite="lax"))
        return answer


def _lead(path: str) -> Response[None]:
    return Redirect(path, status_code=303)


def _own_page(address: str) -> str:
    """Return an address to come back to; the first page where it is none of ours."""
    path = address.partition("?")[0]
    return address if _PRINTABLE.fullmatch(address) and (is_page(path) or path == DOCS) else "/"
