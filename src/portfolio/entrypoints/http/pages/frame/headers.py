"""What a browser may do with a page: load our own files, and nothing else."""

from __future__ import annotations

from typing import Final

from litestar.types import HTTPScope

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    # Not no-referrer: a browser then says "null" for the Origin of a form, and whose form it is could not be told.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_page(path: str) -> bool:
    """Return whether a path is a page's, where a browser is answered with HTML whatever happens."""
    return path in {"/", "/pages"} or path.startswith("/pages/")


def accepts_html(scope: HTTPScope) -> bool:
    """Return whether a client asks for HTML by name, as browsers do; programs take anything, or JSON."""
    for name, value in scope["headers"]:
        if name == b"accept":
            for part in value.lower().split(b","):
                media_type, _, parameters = part.partition(b";")
                if media_type.strip() == b"text/html" and parameters.replace(b" ", b"") not in {b"q=0", b"q=0.0"}:
                    return True
    return False
