"""The fields of an import, as they come in a form with files."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from portfolio.application.imports.kept.records import (
    ACCOUNT_NAME,
    LEAVE_OUT,
    Asked,
    GivenFile,
    GivenImport,
    is_account_name,
)
from portfolio.application.imports.kept.zones import zone_named
from portfolio.application.imports.recognition import FORMAT_NAMES
from portfolio.entrypoints.http.imports.uploads import MOST_FILES, Upload
from portfolio.entrypoints.http.shell.bodies import FieldReader

FILES: Final = ("file", "files")
RATES: Final = "rates"
CHOICES: Final = {
    "format": FORMAT_NAMES,
    "decimal": (",", "."),
    "date_order": ("dmy", "mdy", "ymd"),
    "funding": ("implied",),
    "like_booked": ("book", LEAVE_OUT),
}
_SWITCHES: Final = {"true": True, "1": True, "on": True, "false": False, "0": False}
_NAMES: Final = tuple(Asked.__dataclass_fields__)

Binary = Annotated[str, Meta(extra_json_schema={"type": "string", "format": "binary"})]


class ImportForm(msgspec.Struct, kw_only=True):
    """The parts of a form that imports files: the words are those of the command."""

    file: Annotated[list[Binary], Meta(min_length=1, max_length=MOST_FILES)]
    rates: Binary | None = None
    format: str | None = None
    account: str = ""
    zone: str | None = None
    decimal: str | None = None
    date_order: str | None = None
    funding: str | None = None
    opening: bool = False
    partial: bool = False
    like_booked: str | None = None


def read_import(upload: Upload, *, also: tuple[str, ...] = ()) -> GivenImport:
    """Return what a form wants imported; ``also`` are texts that are no part of it.

    Raises:
        RequestError: a field is unknown or wrong, or there is no file.
    """
    reading = FieldReader()
    for name in upload.texts.keys() - {*_NAMES, *also}:
        is_file = name in {*FILES, RATES}
        reading.refuse(name[:100], "has to be a file" if is_file else "is not known here")
    files = [file for name, file in upload.files if name in FILES]
    rates = [file for name, file in upload.files if name == RATES]
    for name in dict.fromkeys(name for name, _ in upload.files if name not in {*FILES, RATES}):
        reading.refuse(name[:100], "takes no file")
    if not 1 <= len(files) <= MOST_FILES:
        reading.refuse("file", f"takes 1 to {MOST_FILES} files")
    if len(rates) > 1:
        reading.refuse(RATES, "takes one file")
    asked = _asked(upload.texts, reading)
    reading.finish()
    return GivenImport(files=files, asked=asked, rates=_one(rates))


def _one(files: list[GivenFile]) -> GivenFile | None:
    return files[0] if files else None


def _is_given(name: str, text: str) -> bool:
    """Return whether a text is there: one that is blank or null is not given, as in queries."""
    return text != "" and (name == "account" or text.lower() != "null")


def _asked(texts: dict[str, str], reading: FieldReader) -> Asked:
    # The account is taken as it is: a blank more is another account.
    words = {name: text if name == "account" else text.strip() for name, text in texts.items()}
    given: dict[str, Any] = {name: words[name] for name in _NAMES if _is_given(name, words.get(name, ""))}
    for name, allowed in CHOICES.items():
        if name in given and given[name] not in allowed:
            reading.refuse(name, f"takes {' or '.join(allowed)}")
    for name in ("opening", "partial"):
        if name in given:
            word = given[name].lower()
            if word not in _SWITCHES:
                reading.refuse(name, "takes true or false")
            given[name] = _SWITCHES.get(word, False)
    if "zone" in given:
        reading.taking("zone", lambda: zone_named(given["zone"]), None)
    account = given.get("account", "")
    if not is_account_name(account):
        reading.refuse("account", f"takes {ACCOUNT_NAME}")
    return Asked(**given)
