"""Files to import, made in tests: read by the real reader, previewed by the real use case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from portfolio.adapters.files.imports import content_of
from portfolio.application.imports.kept.answers import _lazy
from portfolio.application.imports.preview import PreviewImport
from portfolio.application.imports.records import ImportFile, Options, Preview
from portfolio.domain.imports.records import Ignored, Reported

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class FilesInMemory:
    """Files by name, parsed as those on disk are."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = files

    def read(self, path: str) -> ImportFile:
        """Return what a file holds."""
        raw = self._files[path]
        return ImportFile(path, content_of(raw.encode() if isinstance(raw, str) else raw))


class StoppedClock:
    """A clock that shows one moment."""

    def now(self) -> datetime:
        """Return the moment."""
        return NOW

    def monotonic(self) -> float:
        """Return no seconds."""
        return 0.0


def previews(files: Mapping[str, str | bytes], **options: Any) -> list[Preview]:
    """Return the previews of files, in their order; each row has to be in exactly one place."""
    found = PreviewImport(FilesInMemory(files), StoppedClock())(list(files), Options(**options))
    for preview in found:
        in_events = {row for one in preview.events for row in one.event.rows}
        placed: list[Ignored | Reported] = [*preview.ignored, *preview.reported, *preview.known]
        others = [one.row for one in placed]
        assert len(others) == len(set(others))
        assert not in_events & set(others)
        assert len(in_events) + len(others) == preview.rows
    return found


def answer(text: str | bytes, name: str = "file.csv", **options: Any) -> dict[str, Any]:
    """Return what the dry run of one file answers as JSON."""
    [preview] = previews({name: text}, **options)
    return answer_of(preview)


def legs(text: str | bytes, name: str = "file.csv", **options: Any) -> list[tuple[str, dict[str, str]]]:
    """Return kind and net changes of each event of a file of which no row may be reported."""
    found = answer(text, name, **options)
    assert found["reported"] == []
    return [(event["kind"], event["legs"]) for event in found["events"]]


def reported(text: str | bytes, name: str = "file.csv", **options: Any) -> list[tuple[int | str, str]]:
    """Return the rows of a file that are reported, and why; there has to be no event."""
    found = answer(text, name, **options)
    assert found["events"] == []
    return [(one["row"], one["reason"]) for one in found["reported"]]


def answer_of(preview: Preview, words: Callable[[str], str] = str) -> dict[str, Any]:
    """A preview as JSON has it, all of it at once; reasons in these words."""
    return {name: list(part) if isinstance(part, Iterator) else part for name, part in _lazy(preview, words).items()}
