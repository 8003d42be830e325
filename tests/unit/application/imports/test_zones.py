"""Zones as people write them."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest

from portfolio.application.imports.kept.zones import zone_named


@pytest.mark.parametrize(
    ("text", "offset"), [("UTC", 0), ("Etc/GMT-3", 3), ("+02:00", 2), ("-6", -6), ("Europe/Vienna", 1), ("EST", -5)]
)
def test_offsets_and_names_of_iana(text: str, offset: int) -> None:
    moment = datetime(2024, 1, 15, tzinfo=UTC).astimezone(zone_named(text)).utcoffset()
    assert moment is not None
    assert moment.total_seconds() == offset * 3600


def test_every_name_of_iana_is_a_zone_but_those_of_no_place() -> None:
    for name in available_timezones() - {"localtime", "Factory", "posixrules"}:
        assert str(zone_named(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "localtime", "posixrules", "Factory", "right/Europe/Vienna", "right/UTC", "posix/Europe/Vienna", "Mars",
        "../localtime", "/etc/localtime", "Europe", "europe/vienna/x", "tzdata.zi", " UTC", "UTC\x00", "x" * 5_000,
    ],
)  # fmt: skip
def test_what_is_no_zone_of_iana_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is neither an offset such as"):
        zone_named(text)
