"""What is typed into the forms of pages, line by line, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from portfolio.entrypoints.http.errors import FieldError

LONGEST: Final = 4_000


class Lines(msgspec.Struct):
    """The lines of a field that are not empty, and what is wrong with them."""

    name: str
    text: str
    mistakes: list[FieldError] = msgspec.field(default_factory=list)
    numbers: list[int] = msgspec.field(default_factory=list)

    def read(self) -> Sequence[str]:
        """Return the lines; ``numbers`` are where they stand."""
        if len(self.text) > LONGEST:
            self.refuse(f"takes at most {LONGEST} characters")
            return ()
        found = [(number, line.strip()) for number, line in enumerate(self.text.splitlines(), start=1) if line.strip()]
        self.numbers = [number for number, _ in found]
        return [line for _, line in found]

    def settings(self, names: Sequence[str], *, lists: Collection[str] = ()) -> dict[str, Any]:
        """Return what lines such as ``position_limit = 0.35`` say, by name; of ``lists`` a list, of others a number."""
        found: dict[str, Any] = {}
        for place, line in enumerate(self.read()):
            name, is_set, value = (part.strip() for part in line.partition("="))
            if name not in names:
                self.refuse(f"{name[:50]!r} is no setting to change here; settings are {', '.join(names)}", place)
            elif not is_set or not value:
                self.refuse(f"needs a value, such as {name} = 0.35", place)
            elif name in found:
                self.refuse(f"{name} is given twice", place)
            elif name in lists:
                found[name] = [one.strip(" \"'") for one in value.strip("[]").split(",") if one.strip(" \"'")]
            else:
                found[name] = Raw(value.encode())
        return found

    def refuse(self, message: str, place: int | None = None) -> None:
        """Note what is wrong, with the line in that place."""
        where = "" if place is None else f"line {self.numbers[place]}: "
        self.mistakes.append(FieldError(self.name, where + message))


def messages(errors: Sequence[FieldError]) -> Mapping[str, str]:
    """Return what is wrong by field, all of a field together."""
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error.field, []).append(error.message)
    return {name: "; ".join(said) for name, said in found.items()}
