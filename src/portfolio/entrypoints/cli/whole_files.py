"""Files that commands write: whole, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield what takes the place of the file at ``path`` once it is whole, with the rights of the one that is there;
    until then that one stays.

    A link is followed. A pipe or a device is written to as it is: another file in its place would be the end of it.

    Raises:
        OSError: it cannot be written; nothing has changed then, but of a pipe or a device.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as made:
            yield made
        return
    place = Path(os.path.realpath(path))
    try:
        # A name of its own: of two commands that write the same file the later one's stays, as a whole.
        descriptor, beside = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name[:200]}.", suffix=".part")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(descriptor, "wb") as made:
            if place.exists():
                os.fchmod(descriptor, stat.S_IMODE(place.stat().st_mode))
            yield made
        Path(beside).replace(place)
    finally:
        with suppress(FileNotFoundError):
            Path(beside).unlink()
