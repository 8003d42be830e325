"""The revisions of the schema that this code runs on."""

from __future__ import annotations

SCHEMA_REVISION = "0031"
"""The revision of the migrations that this code is written for."""

RUNS_ON = frozenset({SCHEMA_REVISION})
"""The revisions that this code runs on: it writes columns that 0025, 0027 and 0030 add, and tables that 0026, 0029,
0030 and 0031 do, and finds backtests by an index of 0028."""

FITS = "_fits_"


def runs_on(revision: str | None) -> bool:
    """Return whether this code runs on a database at that revision: one of its own, or a newer one that fits it.

    A migration that only adds says by its name which programs go on booking on it: ``0031_fits_0027``, all that are
    written for 0027 or later.
    """
    number, _, oldest = (revision or "").partition(FITS)
    own = number_of(SCHEMA_REVISION)
    return revision in RUNS_ON or (oldest != "" and oldest <= own < number)


def number_of(revision: str) -> str:
    """Return the number that a revision's name begins with."""
    return revision.partition(FITS)[0]
