"""Bodies of forms with files: read piece by piece, within bounds, and never written to a disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from portfolio.application.imports.kept.records import GivenFile
from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.injection import HttpRequest

LARGEST_UPLOAD: Final = 16 * 1024 * 1024
MOST_FILES: Final = 20

_MOST_PARTS: Final = 64
_LONGEST_TEXT: Final = 4_096
_LONGEST_NAME: Final = 200
# What the parser says, by its beginning, and what it means for who sent the form.
_IN_WORDS: Final = {
    "Empty boundary": "its Content-Type names no boundary",
    "Unexpected end": "it ends before its last boundary",
    "Maximum segment count": f"it has more than {_MOST_PARTS} parts",
    "Maximum segment header": "the head of a part is too long",
    "Segment header failed to decode": "the name of a field or a file is not UTF-8",
    "Missing Content-Disposition": "a part has no Content-Disposition",
    "Invalid Content-Disposition": "a part has a Content-Disposition that is not form-data",
}


@dataclass(slots=True, repr=False)
class Upload:
    """What a form brought: texts by field, once each, and files by field.

    Nothing of it is shown: a text may be a key, and a traceback in the log shows what functions were given.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, GivenFile]] = field(default_factory=list)


async def read_upload(request: HttpRequest) -> Upload:
    """Return the parts of a form with files.

    Raises:
        RequestError: it is none, has too many parts or too long a text, or one text twice.
        RequestEntityTooLarge: the body is larger than the route takes.
    """
    boundary = request.content_type[1].get("boundary", "")
    upload, reading = Upload(), _Part()
    with _readable():
        parser = PushMultipartParser(boundary.encode(), max_segment_count=_MOST_PARTS)
        with parser:
            async for chunk in _pieces(request):
                for piece in parser.parse(chunk):
                    reading.take(piece, upload)
                # A large body comes in many pieces, and others are answered between two of them.
                await asyncio.sleep(0)
    return upload


@dataclass(slots=True, repr=False)
class _Part:
    """The part that is being read."""

    segment: MultipartSegment | None = None
    content: bytearray = field(default_factory=bytearray)

    def take(self, piece: MultipartSegment | bytes | bytearray | None, upload: Upload) -> None:
        if isinstance(piece, MultipartSegment):
            self.segment, self.content = piece, bytearray()
        elif piece is not None:
            self.content += piece
            if not self._is_file and len(self.content) > _LONGEST_TEXT:
                raise _refused(self._name, f"takes at most {_LONGEST_TEXT} bytes")
        else:
            self._end(upload)

    @property
    def _is_file(self) -> bool:
        return self.segment is not None and self.segment.filename is not None

    @property
    def _name(self) -> str:
        return "" if self.segment is None else self.segment.name

    def _end(self, upload: Upload) -> None:
        assert self.segment is not None
        name = self._name
        if self._is_file:
            filename = (self.segment.filename or "").replace("\\", "/").rpartition("/")[2]
            # A field in which no file was chosen has no name, and nothing in it.
            if filename or self.content:
                upload.files.append((name, GivenFile(filename[:_LONGEST_NAME], bytes(self.content))))
            return
        if name in upload.texts:
            raise _refused(name, "given twice")
        try:
            upload.texts[name] = self.content.decode()
        except UnicodeDecodeError:
            raise _refused(name, "is no UTF-8") from None


async def _pieces(request: HttpRequest) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except MultipartError as error:
        said = str(error.args[0])
        why = next((words for start, words in _IN_WORDS.items() if said.startswith(start)), "its parts cannot be told")
        raise RequestError(MALFORMED, f"the body is no form with files: {why}") from error


def _refused(field_name: str, why: str) -> RequestError:
    name = field_name[:100]
    return RequestError(MALFORMED, f"{name} {why}", errors=[FieldError(name, why)])
