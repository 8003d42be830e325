"""What commands show on a terminal, and how they end: what went wrong in a sentence, and a status that tells."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn, TextIO

import click

from portfolio.application.errors import ApplicationError, BooksContradicted
from portfolio.application.imports.progress import tell_nobody
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.printable import printable
from portfolio.settings import SettingsError

# Each says one thing, whichever command ends with it; docs/operations.md lists them.
EXIT_UNRECONCILED = 1
EXIT_BROKEN = 2
EXIT_FAILED = 3
EXIT_USAGE = 64
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130

_NUMBERS: Final = frozenset({"row", "quantity", "amount", "basis", "days_held", "trade_id", "proceeds", "gain"})


@contextmanager
def progress_on(stream: TextIO) -> Iterator[Callable[[str, float, int], None]]:
    """Yield what shows on a terminal how far it is; on anything else nothing is shown."""
    if not stream.isatty():
        yield tell_nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    name = TextColumn("{task.description}", markup=False)
    with Progress(name, BarColumn(), MofNCompleteColumn(), console=Console(file=stream), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: float, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(printable(what))
            bars.update(tasks[what], completed=done, total=total)

        yield show


@contextmanager
def _printed_to_the_end() -> Iterator[None]:
    """Have a result that nobody reads to its end (``| head``) be one that could not be printed: click would end with 1,
    which says something of the books.
    """
    try:
        yield
    except BrokenPipeError as error:
        # What is left would be a broken pipe again when the process ends.
        with suppress(OSError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise OSError("the result was not read to its end") from error


class InWords(click.Group):
    """Commands that say what went wrong in a sentence, and end with a status that tells."""

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """Return the context of a command line, of which --help and --version print what they are asked for."""
        with _printed_to_the_end():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """Return what a command returns."""
        with _printed_to_the_end():
            return super().invoke(ctx)

    def main(self, *given: Any, **named: Any) -> NoReturn:
        """Carry out the command line, and end the process."""
        try:
            status = super().main(*given, **{**named, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            status = EXIT_USAGE
        except click.Abort:
            tell("interrupted")
            status = EXIT_INTERRUPTED
        except BooksContradicted as error:
            tell(error)
            status = EXIT_BROKEN
        except (ApplicationError, DomainError, SettingsError, OSError, MemoryError) as error:
            tell(error if str(error) else "not enough memory")
            status = EXIT_FAILED
        except Exception:  # noqa: BLE001  whoever runs it reports what it prints
            tell(f"a fault of the program; please report it\n{traceback.format_exc()}")
            status = EXIT_FAULT
        sys.exit(status)


def tell(what: object) -> None:
    """Say something beside the result, on the standard error, where anybody can be told."""
    with suppress(OSError):
        click.echo(f"portfolio: {what}", err=True)


def tell_identity(identity: Mapping[str, str]) -> None:
    """Say which version works for which schema on which database: on the standard error, which is no result."""
    tell(", ".join(f"{name} {value}" for name, value in identity.items()))


def print_answer(answer: bytes, *, is_simulated: bool) -> None:
    """Print the answer of a route as the route has it, with the label of made-up prices."""
    from portfolio.entrypoints.http.price_label import labelled

    click.echo(labelled(answer) if is_simulated else answer)


def print_table(names: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """Print rows under the names of their columns, those of numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in _NUMBERS else "left")
    for row in rows:
        table.add_row(*row)
    console = Console(width=200, markup=False, highlight=False, emoji=False)
    with console.capture() as made:  # by itself a console ends the process with 1 where nobody reads on
        console.print(table)
    click.echo(made.get(), nl=False)
