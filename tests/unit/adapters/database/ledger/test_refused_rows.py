"""Rows of refused events and cash transactions, and those of before it was kept what had been asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from portfolio.adapters.database.ledger.mapping_records import refused_cash_from_row, refused_cash_to_row
from portfolio.adapters.database.schema.fields import UnreadableRow
from portfolio.application.ledger.cash_records import RefusedCashEntry
from portfolio.application.ledger.records import Refusal

REFUSED = RefusedCashEntry(
    portfolio_id=1,
    owner="ann",
    client_transaction_id="k",
    fingerprint="2:ab",
    refusal=Refusal(error="ValueUnknown", detail='{"no" price}', field="value"),
    decided_at=datetime(2026, 1, 2, tzinfo=UTC),
    stated={"kind": "income", "symbol": "SOL"},
)


def test_a_row_is_read_as_it_was_written() -> None:
    assert refused_cash_from_row(SimpleNamespace(**refused_cash_to_row(REFUSED))) == REFUSED


def test_a_row_of_before_has_its_reason_and_nothing_else() -> None:
    row = {**refused_cash_to_row(REFUSED), "detail": "60000 is needed but cash is 1", "error": "InsufficientCash"}
    kept = refused_cash_from_row(SimpleNamespace(**row))
    assert kept.refusal == Refusal(error="InsufficientCash", detail="60000 is needed but cash is 1")
    assert kept.stated == {}


@pytest.mark.parametrize("detail", ["{", '{"detail": "why"}', '{"detail": "why", "field": null, "stated": []}'])
def test_a_row_that_cannot_be_read_says_so(detail: str) -> None:
    with pytest.raises(UnreadableRow, match="detail"):
        refused_cash_from_row(SimpleNamespace(**{**refused_cash_to_row(REFUSED), "detail": detail}))
