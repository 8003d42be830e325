"""The parts of a workbook: XML that is read as it comes, without documents of its own making."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias
from xml.parsers import expat

Attributes: TypeAlias = Mapping[str, str]


_LONGEST_WORD = 1 << 20


class Unfit(Exception):
    """A workbook that is not read; ``str()`` says why, and what to do."""


class PartReader(Protocol):
    """What takes the elements of a part, by their names without a namespace."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the beginning of an element; attributes of a namespace have it before their name."""

    def end(self, name: str, text: str) -> None:
        """Take the end of an element, with the text that stood in it last."""


def parsed(pieces: Iterable[bytes], reader: PartReader, most_elements: int) -> int:
    """Have a part read; return how many elements it has.

    Raises:
        Unfit: it is no XML, has more elements than that, declares a document type, in which one word may stand for a
            billion, or has a comment or the like without an end in sight: the parser looks at all of it again with each
            piece.
    """
    parsing = _Parsing(reader)
    try:
        for piece in pieces:
            parsing.take(piece)
            if parsing.elements > most_elements:
                raise Unfit("the workbook has too many elements: save its sheet as CSV (UTF-8)")
        parsing.take(b"", is_last=True)
    except expat.ExpatError as error:
        raise Unfit(f"a part of the workbook is damaged: {error}: save its sheet as CSV (UTF-8)") from error
    finally:
        del parsing.parser  # the two hold each other, and all that was read: an import collects no garbage
    return parsing.elements


class _Parsing:
    """A part that is being read."""

    def __init__(self, reader: PartReader) -> None:
        self._reader = reader
        self._texts: list[str] = []
        self._names: dict[str, str] = {}
        self._heard, self._before, self._silent = 0, (0, 0), 0
        self.elements = 0
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self._texts.append, self._refuse

    def take(self, piece: bytes, *, is_last: bool = False) -> None:
        self.parser.Parse(piece, is_last)
        heard = self._heard, len(self._texts)
        self._silent = self._silent + len(piece) if heard == self._before else 0
        self._before = heard
        if self._silent > _LONGEST_WORD:
            raise Unfit("a part of the workbook is damaged: it is one word: save its sheet as CSV (UTF-8)")

    def _start(self, name: str, attributes: Attributes) -> None:
        self._heard += 1
        self.elements += 1
        self._texts.clear()
        self._reader.start(self._name_of(name), attributes)

    def _end(self, name: str) -> None:
        self._heard += 1
        self._reader.end(self._name_of(name), "".join(self._texts))
        self._texts.clear()

    def _name_of(self, name: str) -> str:
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = name.rpartition(" ")[2]
        return found

    def _refuse(self, *_: object) -> None:
        raise Unfit("the workbook declares a document type, which none needs: save its sheet as CSV (UTF-8)")
