"""Files of tables where the machine's own disk is full, or may not be written."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import polars as pl
import pytest

from tests.contract.http.exports.test_exports import WHATS, booked, file
from tests.support.services.http_service import Service

__all__ = ["booked"]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
async def test_no_table_needs_room_on_a_disk(
    booked: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    whole = {what: await file(booked, what, format=kind) for what in WHATS}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    for what, content in whole.items():
        found = await file(booked, what, format=kind)
        assert found == content or pl.read_parquet(io.BytesIO(found)).equals(pl.read_parquet(io.BytesIO(content)))
