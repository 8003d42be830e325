"""What is said of the rows of a file, as JSON has it: for the command and over HTTP the same but names of options."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from portfolio.application.imports.kept.words import in_fields
from portfolio.application.imports.records import Identified, Preview
from portfolio.domain.decimal_text import plain
from portfolio.domain.imports.records import Ignored, Place, Reported


def answers_of(previews: Sequence[Preview]) -> bytes:
    """Return as JSON a list of what is said of files: of each its name, and whether nothing of it is booked.

    Reasons name the fields of a form where those of the command name its options.
    """
    said = ({"name": one.name, "is_given_up": one.is_given_up, **answer_of(one, in_fields)} for one in previews)
    # Row by row: whoever waits for the interpreter would wait for the text of all of them.
    return f"[{','.join(map(_object, said))}]".encode(errors="replace")


def _object(answer: Mapping[str, Any]) -> str:
    parts = (
        f"{_json(name)}:" + (f"[{','.join(map(_json, part))}]" if isinstance(part, list) else _json(part))
        for name, part in answer.items()
    )
    return f"{{{','.join(parts)}}}"


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def answer_of(preview: Preview, words: Callable[[str], str] = str) -> dict[str, Any]:
    """Return a preview as JSON has it: numbers are exact text, reasons in these words."""
    return {
        "format": preview.format,
        "rows": preview.rows,
        "events": [event_answer(one) for one in preview.events],
        "ignored": _placed(preview.ignored, words),
        "reported": _placed(preview.reported, words),
        "known": _placed(preview.known, words),
        "implied": [
            {"row": one.row, "at": _moment(one.at), "symbol": one.symbol, "quantity": plain(one.quantity)}
            for one in preview.implied
        ],
        "quantities": _exact(preview.quantities),
        "cash_change": _exact(preview.cash_change),
    }


def event_answer(identified: Identified) -> dict[str, Any]:
    """Return an event as JSON has it."""
    event = identified.event
    return {
        "row": event.rows[0] if len(event.rows) == 1 else list(event.rows),
        "at": _moment(event.at),
        "kind": event.kind.value,
        "symbol": event.symbol,
        "quantity": plain(event.quantity),
        "price": _text(event.price),
        "amount": _text(event.amount),
        "quote": event.quote,
        "fee": _text(event.fee),
        "fee_symbol": event.fee_symbol,
        "external_id": identified.external_id,
        "legs": _exact(event.legs),
    }


def _placed(listed: Sequence[Ignored | Reported], words: Callable[[str], str]) -> list[dict[str, Place]]:
    return [{"row": one.row, "reason": words(one.reason)} for one in listed]


def _exact(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: plain(amount) for symbol, amount in amounts.items()}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _moment(at: datetime) -> str:
    """Return the moment, as exact as the file has it."""
    text = at.replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"
