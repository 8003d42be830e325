"""What the cells of a workbook say, as texts: numbers as exact decimals, days and times as they would be typed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from portfolio.adapters.files.workbook_parts import Attributes

# The formats of days and times that every workbook has, by number (ECMA-376, part 1, 18.8.30); without one of the clock
# and with one.
_BUILT_IN_DAYS: Final = frozenset([14, 15, 16, 17, *range(27, 32), *range(34, 37), *range(50, 59)])
_BUILT_IN_TIMES: Final = frozenset([18, 19, 20, 21, 22, 32, 33, 45, 46, 47])
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]{1,7}", re.ASCII)
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001  a sheet has no zone
_LAST_DAY = 2_958_465  # of the year 9999
_LONGEST_TEXT, _LONGEST_NUMBER = 32_767, 30
_DIGITS = 15  # of any decimal that a double keeps


def column_of(reference: str, otherwise: int) -> int:
    """Return the column of a reference such as AB12, from 1."""
    found = _COLUMN.fullmatch(reference)
    if found is None:
        return otherwise
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


class Cell(msgspec.Struct):
    """A cell as it stands there: its type, the number of its style, its text in pieces, whether a formula made it."""

    kind: str = "n"
    style: str = "0"
    pieces: list[str] = msgspec.field(default_factory=list)
    is_computed: bool = False


class Styles(msgspec.Struct):
    """Which styles show days, and which of them a clock too; what takes the part that says it."""

    days: list[bool] = msgspec.field(default_factory=list)
    clocks: list[bool] = msgspec.field(default_factory=list)
    _codes: dict[int, str] = msgspec.field(default_factory=dict)
    _in_cells: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        """Take formats, and the styles of cells that use them."""
        if name == "numFmt":
            self._codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            number = int(attributes.get("numFmtId", "0"))
            signs = set(_LITERALS.sub("", self._codes.get(number, "")).lower())
            has_clock = number in _BUILT_IN_TIMES or bool(signs & set("hs"))
            self.clocks.append(has_clock)
            self.days.append(has_clock or number in _BUILT_IN_DAYS or bool(signs & set("ymd")))

    def end(self, name: str, text: str) -> None:
        """Take the end of the cells' styles."""
        del text
        self._in_cells = self._in_cells and name != "cellXfs"


class CellTexts:
    """The texts of the cells of one workbook."""

    def __init__(self, strings: Sequence[str], styles: Styles, *, is_1904: bool) -> None:
        self._strings, self._styles = strings, styles
        self._epoch = _EPOCH_1904 if is_1904 else _EPOCH

    def of(self, cell: Cell) -> str:
        """Return the text of a cell; raises ValueError where it says nothing that is certain."""
        text, kind = "".join(cell.pieces), cell.kind
        if kind == "s":
            text, kind = self._shared(text), "str"
        if len(text) > _LONGEST_TEXT:
            raise ValueError(f"the cell has more than {_LONGEST_TEXT:,} signs")
        if kind in {"inlineStr", "str", "d"}:
            return text
        if kind == "e":
            raise ValueError(f"the cell has an error ({text[:20]})")
        if not text:
            if cell.is_computed:
                raise ValueError("a formula without its value, which a spreadsheet computes as it saves")
            return ""
        if kind == "b":
            return "true" if text.strip() == "1" else "false"
        return self._number(text, cell.style)

    def _shared(self, text: str) -> str:
        if not text.isdecimal() or len(text) > _LONGEST_NUMBER or int(text) >= len(self._strings):
            raise ValueError("the text of the cell is missing in the workbook")
        return self._strings[int(text)]

    def _number(self, text: str, style: str) -> str:
        number = float(text) if len(text) <= _LONGEST_NUMBER else math.nan
        if not math.isfinite(number):
            raise ValueError(f"{text[:20]!r} is not a number")
        place = int(style)
        if 0 <= place < len(self._styles.days) and self._styles.days[place]:
            return self._day(number, has_clock=self._styles.clocks[place])
        return _exact(number)

    def _day(self, number: float, *, has_clock: bool) -> str:
        if not 0 <= number <= _LAST_DAY:
            raise ValueError(f"{number} is no day")
        at = self._epoch + timedelta(milliseconds=round(number * 86_400_000))
        text = at.isoformat(sep=" ", timespec="milliseconds" if at.microsecond else "seconds")
        return text if has_clock or at.time() != at.min.time() else text[:10]


def _exact(number: float) -> str:
    """Return the decimal that a double stands for, with an exponent in the place of a decimal sign.

    A spreadsheet keeps doubles: the shortest decimal that is this double is what was typed, where it has 15 digits at
    most. Without a sign in it ``1.204`` cannot be taken for 1204, whichever sign the texts of the file have.

    >>> _exact(1.204), _exact(20000.0), _exact(1e-08)
    ('1204e-3', '20000', '1e-8')

    Raises:
        ValueError: it has more digits: it was computed, or cut.
    """
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    if len(digits) > _DIGITS:
        raise ValueError(f"{number!r} has more than {_DIGITS} digits: a spreadsheet has computed or cut it")
    text = ("-" if sign else "") + "".join(map(str, digits))
    if exponent < 0:
        return f"{text}e{exponent}"
    return text + "0" * exponent
