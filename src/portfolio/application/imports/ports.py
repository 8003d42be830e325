"""What imports need from outside."""

from __future__ import annotations

from typing import Protocol

from portfolio.application.imports.records import ImportFile


class ImportFiles(Protocol):
    """Files of the caller."""

    def read(self, path: str) -> ImportFile:
        """Return what a file holds; one that nobody can read says so in its content. Raises OSError without a file."""
