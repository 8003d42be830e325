"""What programs send in the place of JSON: mended where its meaning is plain, told apart where one item is broken."""

from __future__ import annotations

import re

# A text is matched to its end, or to the end of all: one pass, whatever is sent.
_TEXT = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
# Programs write them, JSON has none of them.
_TEXT_OR_CONSTANT = re.compile(rf"{_TEXT}|-?(?:NaN|Infinity)", re.DOTALL)
# What programs write into texts and JSON does not have: half a character, as of a text that was cut in the middle of
# one, an escape that there is not, a control character, a byte that is no UTF-8. What is whole comes first.
_CHARACTER = re.compile(
    r'(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\["\\/bfnrt])'
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\\\x00-\x1f\udc80-\udcff]"
)
# What no name and no key may have: a field that stands for nothing is told by its name, or is replaced in a remark.
_SPOILT = r"\u0000"

_MARK = re.compile(rf"{_TEXT}|[\[\]{{}},]", re.DOTALL)
# So many marks are looked at: a thousand bookings have less, and more would keep others waiting.
_MOST_MARKS = 60_000


def mended(body: bytes) -> bytes:
    """Return a body whose texts are JSON, and whose constants are texts that can be nobody's identity."""
    text = body.decode("utf-8", "surrogateescape")
    return _TEXT_OR_CONSTANT.sub(_mended_part, text).encode("utf-8", "surrogateescape")


def _mended_part(found: re.Match[str]) -> str:
    text = found[0]
    return _CHARACTER.sub(_mended_character, text) if text.startswith('"') else f'"{_SPOILT}{text}"'


def _mended_character(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    return f"\\u{ord(found[0]):04x}" if found[0] < " " else _SPOILT


def told_apart(items: str) -> list[str]:
    """Return the items of a list, by its brackets, its quotes, and the commas between.

    Raises:
        ValueError: where one ends and the next begins cannot be told.
    """
    parts, start, depth = [], 0, 0
    for count, found in enumerate(_MARK.finditer(items)):
        mark = found[0]
        if mark == "," and not depth:
            parts.append(items[start : found.start()])
            start = found.end()
        opens = mark in "[{"
        is_second = opens and not depth and items[start : found.start()].strip()
        depth += opens - (mark in "]}")
        if depth < 0 or is_second or count > _MOST_MARKS or (mark[0] == '"' and _is_broken(mark)):
            raise ValueError("the items cannot be told apart")
    last = items[start:]
    if depth:
        raise ValueError("the items cannot be told apart")
    return [*parts, last] if last.strip() else parts


def _is_broken(text: str) -> bool:
    """Return whether a text does not end, or has the end of an object and the beginning of the next at its end: then a
    quote is missing before it.
    """
    if len(text) == 1 or text[-1] != '"':
        return True
    inner = text[:-1].rstrip()
    return inner.endswith("{") and inner[:-1].rstrip().removesuffix(",").rstrip().endswith("}")
