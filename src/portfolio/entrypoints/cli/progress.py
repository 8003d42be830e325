"""How far a command is, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from portfolio.application.imports.progress import Tell, tell_nobody
from portfolio.entrypoints.printable import printable


@contextmanager
def progress_on(stream: TextIO) -> Iterator[Tell]:
    """Yield what shows on a terminal how far it is; on anything else nothing is shown."""
    if not stream.isatty():
        yield tell_nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    name = TextColumn("{task.description}", markup=False)
    with Progress(name, BarColumn(), MofNCompleteColumn(), console=Console(file=stream), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(printable(what))
            bars.update(tasks[what], completed=done, total=total)

        yield tell
