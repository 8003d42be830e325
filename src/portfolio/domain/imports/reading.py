"""How a file is to be read: what its maker left out, as the caller says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from portfolio.domain.imports.moments import has_seconds, millisecond_in, moment_in, usual_moment
from portfolio.domain.imports.numbers import amount_in, money_in, number_in
from portfolio.domain.imports.records import BY_HAND, Row, RowRefused

ZERO = Decimal(0)


def not_below_zero(name: str, amount: Decimal) -> Decimal:
    """Return an amount; raises RowRefused where its sign contradicts what the row says that it is."""
    if amount < 0:
        raise RowRefused(f"{name} is below 0, which contradicts the type or side of the row", BY_HAND)
    return amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The zone of times that state none, the decimal sign, the order of day and month; ``now`` ends what can have been.

    ``header_zone`` and ``name_zone`` are what the header and the file's name say, None where they say nothing.
    """

    now: datetime
    zone: tzinfo | None = None
    decimal: str | None = None
    date_order: str | None = None
    header_zone: tzinfo | None = None
    name_zone: tzinfo | None = None

    def amount(self, row: Row, name: str, empty: Decimal | None = None) -> Decimal:
        """Return the amount of a column, ``empty`` where that is empty; raises RowRefused where there is none."""
        text = row.text(name)
        if empty is not None and not text:
            return empty
        try:
            return amount_in(text, self.decimal)
        except RowRefused as refused:
            raise refused.of(name) from refused

    def unsigned(self, row: Row, name: str) -> Decimal:
        """Return the amount of a column whose direction another column says; raises RowRefused where it is below 0."""
        return not_below_zero(name, self.amount(row, name))

    def unsigned_or_zero(self, row: Row, name: str) -> Decimal:
        """Return such an amount, zero where the column is empty."""
        return not_below_zero(name, self.amount_or_zero(row, name))

    def amount_or_zero(self, row: Row, name: str) -> Decimal:
        """Return the amount of a column, zero where it is empty."""
        return self.amount(row, name, ZERO)

    def money(self, row: Row, *names: str) -> Decimal | None:
        """Return the amount of a column that may have a currency's sign, None where it is empty."""
        text = row.text(*names)
        try:
            return money_in(text, self.decimal) if text else None
        except RowRefused as refused:
            raise refused.of(names[0]) from refused

    def price(self, row: Row, *names: str) -> Decimal | None:
        """Return the price of a column, of any number of decimals; None where it is empty."""
        text = row.text(*names)
        try:
            return number_in(text, self.decimal) if text else None
        except RowRefused as refused:
            raise refused.of(names[0]) from refused

    def exact_time(self, text: str, zone: tzinfo | None, *, short_year: bool = False) -> datetime:
        """Return the moment of an exchange's row, which has its seconds; raises RowRefused where they were lost."""
        usual = usual_moment(text, zone)
        if usual is not None and usual <= self.now:
            return usual
        moment = self.time(text, zone, short_year=short_year)
        if not has_seconds(text):
            raise RowRefused(f"{text!r} has lost its seconds", "import the file as it was downloaded, not saved again")
        return moment

    def stamped(self, row: Row, stamp: str, written: str, zone: tzinfo | None) -> datetime:
        """Return the moment of a row: a column's milliseconds, else what another one has written out."""
        milliseconds = row.text(stamp)
        return millisecond_in(milliseconds) if milliseconds else self.exact_time(row.text(written), zone)

    def time(self, text: str, zone: tzinfo | None, *, short_year: bool = False) -> datetime:
        """Return the moment of a row, of which seconds or the time of day may be missing."""
        moment = moment_in(text, zone, order=self.date_order, short_year=short_year)
        if moment > self.now:
            raise RowRefused(f"{text!r} lies in the future", "look whether day and month are where they belong")
        return moment

    def local_zone(self) -> tzinfo | None:
        """Return the zone of local times: what was given, else what header and name agree on.

        Raises:
            RowRefused: they contradict each other.
        """
        if self.zone is not None:
            return self.zone
        header, name = self.header_zone, self.name_zone
        if header is None or name is None:
            return header or name
        if header != name:
            raise RowRefused(f"the header says {header} and the file's name says {name}", "give --zone")
        return header
