"""What reasons tell to do, in the words of whoever reads them: options of the command are fields of a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_OPTION: Final = re.compile(
    r"--(?P<name>funding implied|opening|partial|zone|decimal|date-order|format|account|rates FILE)\b(?P<is>=?)"
)
_FIELDS: Final = {
    "funding implied": "funding=implied",
    "opening": "opening=true",
    "partial": "partial=true",
    "date-order": "date_order",
    "rates FILE": "a file rates",
}


def in_fields(reason: str, names: Mapping[str, str] = _FIELDS, mark: str = "=") -> str:
    """Return a reason with the names of fields where it has those of options; ``mark`` stands before a value.

    >>> in_fields("give --zone, such as --zone=+02:00")
    'give zone, such as zone=+02:00'
    """
    if "--" not in reason:
        return reason
    return _OPTION.sub(lambda found: names.get(found["name"], found["name"]) + (mark if found["is"] else ""), reason)
