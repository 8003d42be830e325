"""The decimals of an answer as JSON strings, for clients whose numbers are doubles.

A client asks for them with ``Accept: application/json;IEEE754Compatible=true``, the convention of OData.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, Final, TypeAlias, get_args, get_origin

import msgspec
from msgspec import Raw, Struct

from portfolio.entrypoints.http.shell.client_address import AnyScope

Rewrite: TypeAlias = Callable[[Raw], Raw]

_JSON_RANGES: Final = frozenset({"application/json", "application/*", "*/*"})
_QUALITY: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


def wants_strings(scope: AnyScope) -> bool:
    """Return whether the client prefers decimals as strings."""
    given = [value for name, value in scope["headers"] if name == b"accept" and b"ieee754" in value.lower()]
    if not given:
        return False
    ranges = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1").lower()
    return _prefers_strings(ranges)


@lru_cache(maxsize=64)
def _prefers_strings(accept: str) -> bool:
    """Return whether the strings have the best quality of all media ranges; at the same quality, they are named."""
    best = {True: 0.0, False: 0.0}
    for media_range in accept.split(","):
        media_type, *parts = (part.strip() for part in media_range.split(";"))
        if media_type not in _JSON_RANGES:
            continue
        given = {name.strip(): value.strip().strip('"') for name, _, value in (part.partition("=") for part in parts)}
        quality = given.get("q", "1")
        strings = given.get("ieee754compatible") == "true"
        best[strings] = max(best[strings], float(quality) if _QUALITY.fullmatch(quality) else 0.0)
    return best[True] > 0 and best[True] >= best[False]


@cache
def rewriting(kind: Any) -> Rewrite | None:
    """Return what writes the decimals of an encoded ``kind`` as strings; None where it has none.

    Whole numbers that count or name something are no decimals. Only the parts that have decimals are decoded.
    """
    if kind is Raw:
        return _quoted
    if isinstance(kind, type) and issubclass(kind, Struct):
        found = {field.encode_name: rewriting(field.type) for field in msgspec.structs.fields(kind)}
        parts = {name: rewrite for name, rewrite in found.items() if rewrite is not None}
        return partial(_object_rewritten, parts) if parts else None
    inner = next((rewrite for part in get_args(kind) if (rewrite := rewriting(part)) is not None), None)
    if inner is not None and get_origin(kind) in _COLLECTIONS:
        return partial(_COLLECTIONS[get_origin(kind)], inner)
    return inner


def _quoted(text: Raw) -> Raw:
    said = bytes(text)
    if said.startswith(b"["):  # a row of numbers
        row = b'["%b"]' % said[1:-1].replace(b",", b'","') if said != b"[]" else said
        return Raw(row.replace(b'"null"', b"null"))
    return text if said.startswith((b'"', b"null")) else Raw(b'"%b"' % said)


def _object_rewritten(parts: Mapping[str, Rewrite], text: Raw) -> Raw:
    found = _object(text)
    if found is None:
        return text
    return Raw(
        msgspec.json.encode({name: parts[name](value) if name in parts else value for name, value in found.items()})
    )


def _list_rewritten(inner: Rewrite, text: Raw) -> Raw:
    found = _list(text)
    return text if found is None else Raw(msgspec.json.encode([inner(value) for value in found]))


def _map_rewritten(inner: Rewrite, text: Raw) -> Raw:
    found = _object(text)
    return text if found is None else Raw(msgspec.json.encode({name: inner(value) for name, value in found.items()}))


_COLLECTIONS: Final[Mapping[Any, Callable[[Rewrite, Raw], Raw]]] = {list: _list_rewritten, dict: _map_rewritten}
_object: Final = msgspec.json.Decoder(dict[str, Raw] | None).decode
_list: Final = msgspec.json.Decoder(list[Raw] | None).decode
