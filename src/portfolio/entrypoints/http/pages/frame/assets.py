"""The stylesheet, the script and the icon of the pages, named by their content so that a browser may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from litestar import Controller, Response, get
from litestar.params import FromPath

from portfolio.application.errors import NotFound
from portfolio.entrypoints.charts import STYLESHEET
from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.portfolio.answer_cache import is_not_modified
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.injection import HttpRequest
from portfolio.entrypoints.http.shell.responses import encoded

PATH: Final = "/pages/static"
# The framework adds the charset to texts.
MEDIA_TYPES: Final = {"pages.css": "text/css", "pages.js": "text/javascript", "icon.svg": "image/svg+xml"}
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
FOR_GOOD: Final = "public, max-age=31536000, immutable"


class Asset(msgspec.Struct, frozen=True):
    """A file and the digest of its content."""

    body: bytes
    digest: str
    media_type: str


class AssetController(Controller):
    """The route of the files. They hold nothing of the books: the form for the key needs them too."""

    include_in_schema = False
    opt = access(None)
    response_headers = HEADERS

    @get(PATH + "/{name:str}")
    async def read_asset(self, request: HttpRequest, name: FromPath[str]) -> Response[bytes]:
        """Return a file.

        The digest in its name may be another version's, as while instances are replaced one by one: then it is the file
        of this version, which is asked for again the next time.
        """
        found = _asset(_plain_name(name))
        current = name == _named(_plain_name(name), found)
        etag = f'"{found.digest}"'
        headers = {"ETag": etag, "Cache-Control": FOR_GOOD if current else "no-cache"}
        if is_not_modified(request.scope, etag):
            return encoded(b"", status=304, media_type=found.media_type, headers=headers)
        return encoded(found.body, media_type=found.media_type, headers=headers)


@cache
def asset(name: str) -> str:
    """Return the address of a file."""
    return f"{PATH}/{_named(name, _asset(name))}"


def _named(name: str, found: Asset) -> str:
    stem, _, ending = name.partition(".")
    return f"{stem}.{found.digest}.{ending}"


def _plain_name(name: str) -> str:
    """Return the name of a file without its digest; raises NotFound where there is no such file."""
    stem, _, ending = name.rpartition(".")
    plain = f"{stem.partition('.')[0]}.{ending}"
    if plain not in MEDIA_TYPES:
        raise NotFound("file", "of that name")
    return plain


@cache
def _asset(name: str) -> Asset:
    body = (files("portfolio.entrypoints.http.pages") / "static" / name).read_bytes()
    if name == "pages.css":
        body += STYLESHEET.encode()  # that of the charts
    # In letters: a page that is searched for amounts has no other numbers in it than those that it shows.
    digest = hashlib.sha256(body).hexdigest()[:16].translate(_LETTERS)
    return Asset(body, digest, MEDIA_TYPES[name])
