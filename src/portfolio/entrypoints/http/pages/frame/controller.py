"""What the routes of all pages have in common."""

from __future__ import annotations

from litestar import Controller

from portfolio.entrypoints.http.pages.frame.headers import HEADERS
from portfolio.entrypoints.http.shell.access import access
from portfolio.entrypoints.http.shell.auth import Scope


class PageController(Controller):
    """Routes of pages: whoever may read sees them, and the API's document does not have them."""

    include_in_schema = False
    opt = access(Scope.READ)
    response_headers = HEADERS
