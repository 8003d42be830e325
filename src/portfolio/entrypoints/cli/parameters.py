"""What the commands read out of the texts of a command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from portfolio.application.imports.kept.zones import zone_named
from portfolio.domain.errors import InvalidSymbol
from portfolio.domain.symbol import Symbol
from portfolio.entrypoints.printable import printable

if TYPE_CHECKING:
    from portfolio.application.ledger.lots.journal import KnownAt

T = TypeVar("T")


class Parameter(click.ParamType[T]):
    """What a function makes of a text; ``refusal`` is said of one that it refuses."""

    def __init__(self, name: str, read: Callable[[str], T], refusal: str = "{error}") -> None:
        self.name, self._read, self._refusal = name, read, refusal

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Return what a text means."""
        try:
            return self._read(value)
        except (ValueError, InvalidSymbol) as error:
            self.fail(self._refusal.format(value=value, error=error), param, ctx)


def _moment(text: str) -> datetime:
    from portfolio.entrypoints.http.shell.bodies import parse_moment

    return parse_moment(text)


def _known_at(text: str) -> KnownAt:
    from portfolio.entrypoints.http.ledger.past_query import read_known_at

    return read_known_at(text)


class GivenPath(click.Path):
    """A path that was given: a text of nothing would be the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not os.fspath(value):
            self.fail("a path is needed, and there is none", param, ctx)
        return super().convert(value, param, ctx)


class ReadFile(GivenPath):
    """A file that is read, more than once: what a pipe or a device holds is gone once it was read, or never ends."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path = super().convert(value, param, ctx)
        if not Path(path).is_file():
            self.fail(f"{printable(path)!r} is a pipe or a device: save what comes from it as a file first", param, ctx)
        return path


DAY: Final = Parameter("day", date.fromisoformat, "{value!r} is no day such as 2024-03-01")
MOMENT: Final = Parameter("moment", _moment, "{value!r} {error}")
SYMBOL: Final = Parameter("symbol", Symbol.parse)
ZONE: Final = Parameter("zone", zone_named)

as_of_option = click.option("--as-of", type=MOMENT, help="What had taken effect until then, itself included.")
known_at_option = click.option(
    "--known-at", type=Parameter("revision|moment", _known_at, "{value!r} {error}"), help="What was booked until then."
)
