"""Which events have come before: by their own ids, else by their content and how many equal ones came before them."""

from __future__ import annotations

from collections import Counter

from portfolio.domain.imports.identity import content_of
from portfolio.domain.imports.records import Event


class Identities:
    """What has come already, of one account and one family of formats."""

    def __init__(self) -> None:
        self._ids: dict[str, tuple[str, str]] = {}
        self._contents: Counter[str] = Counter()
        self._without_id: Counter[str] = Counter()

    def of_file(self, format_name: str) -> FileIdentities:
        """Return the identities of one more file."""
        return FileIdentities(format_name, self._ids, self._contents, self._without_id)


class FileIdentities:
    """The events of one file, one after the other, beside those of the files before."""

    def __init__(
        self, format_name: str, ids: dict[str, tuple[str, str]], contents: Counter[str], without_id: Counter[str]
    ) -> None:
        self._format = format_name
        self._ids, self._contents, self._without_id = ids, contents, without_id
        self._counted: Counter[str] = Counter()
        self._counted_without_id: Counter[str] = Counter()

    def add(self, event: Event) -> tuple[str, bool]:
        """Return what an event goes by, and whether it is known.

        One without an id is known where as many equal ones came in a file before. One with an id is also known where
        an older export, which had no ids yet, told of it.

        Raises:
            IdTaken: its id stood for something else in a file of the same format.
        """
        content = content_of(event)
        if event.own_id is None:
            number = self._counted[content]
            self._counted[content] += 1
            self._counted_without_id[content] += 1
            return f"{content}#{number}", number < self._contents[content]
        before = self._ids.get(event.own_id)
        if before is not None:
            if before[0] != content and before[1] == self._format:
                raise IdTaken(event.own_id)
            return event.own_id, True
        self._ids[event.own_id] = content, self._format
        number = self._counted[content]
        self._counted[content] += 1
        return event.own_id, number < self._without_id[content]

    def close(self) -> None:
        """Count the file's events among those that came."""
        self._contents |= self._counted
        self._without_id |= self._counted_without_id


class IdTaken(Exception):
    """An id that stands for two things; ``str()`` is the id."""
