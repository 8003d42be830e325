"""What HTTP asks of the head of a request, and the parser does not (RFC 9112).

Whoever stands in between may read such a head otherwise: whom it is for, or where its body ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._~%-]+)?\]|[A-Za-z0-9._~%-]*)(:[0-9]*)?")
_ABSOLUTE: Final = re.compile(rb"([a-z][a-z0-9+.-]*)://([^/?#]*)", re.IGNORECASE)
_USUAL_PORTS: Final = {b"http": b":80", b"https": b":443"}
_TOLD: Final = frozenset({b"host", b"transfer-encoding"})


def fault_of(method: bytes, version: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return what is wrong with a head, for its sender; nothing where it is right."""
    told = [(name, value.strip().lower()) for name, value in headers if name in _TOLD]
    hosts = [value for name, value in told if name == b"host"]
    codings = [value for name, value in told if name != b"host"]
    if version not in {"1.0", "1.1"}:
        return "the version has to be HTTP/1.1, or HTTP/1.0"
    if method == b"CONNECT":
        return "this is no proxy"
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return f"the header Host has to be there once, and is there {len(hosts)} times"
    if hosts and _HOST.fullmatch(hosts[0]) is None:
        return "the header Host has to be a host, and perhaps a port"
    elsewhere = _ABSOLUTE.match(target)
    if elsewhere is not None and hosts and not _is_same(elsewhere[1].lower(), elsewhere[2].lower(), hosts[0]):
        return "the host of the address is another one than that of the header Host"
    if codings and (version == "1.0" or codings != [b"chunked"]):
        return "the only Transfer-Encoding that is taken is chunked, of HTTP/1.1"
    return ""


def from_path(target: bytes) -> bytes:
    """Return the address of a request from its path on, which is ``/`` where a whole address has none."""
    whole = _ABSOLUTE.match(target)
    if whole is None:
        return target
    rest = target[whole.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _is_same(scheme: bytes, one: bytes, other: bytes) -> bool:
    """Return whether two names of a host are the same, each with the port that the scheme has anyway or without."""
    usual = _USUAL_PORTS.get(scheme, b"")
    return one.removesuffix(usual) == other.removesuffix(usual)


def asks_for_socket(method: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request that names another protocol may become a socket: a GET of HTTP/1.1 without a body."""
    has_body = any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers
    )
    return method == b"GET" and version == "1.1" and not has_body
