"""What belongs to previews of imports: bytes of any size, compressed, in rows that every server takes."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import delete, insert, select

from portfolio.adapters.database.connection.session import Session
from portfolio.adapters.database.schema.fields import reading
from portfolio.adapters.database.schema.tables import import_parts

FILE: Final = "file"
RATES: Final = "rates"
ANSWER: Final = "answer"

_LARGEST: Final = 512 * 1024  # base64 of it is well below what servers take in one message
_FAST: Final = 1  # the least effort of zlib

_c = import_parts.c


async def write_part(session: Session, preview_id: str, kind: str, place: int, content: bytes) -> None:
    """Keep bytes of a preview, in as many rows as they need."""
    packed = await asyncio.to_thread(zlib.compress, content, _FAST)
    for start in range(0, len(packed), _LARGEST):
        row = {"preview_id": preview_id, "kind": kind, "place": place, "content": packed[start : start + _LARGEST]}
        await session.run(insert(import_parts).values(row))


async def read_parts(session: Session, preview_id: str, *kinds: str) -> Mapping[tuple[str, int], bytes]:
    """Return bytes of a preview, by kind and place."""
    rows: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)
    wanted = select(import_parts).where(_c.preview_id == preview_id, _c.kind.in_(kinds)).order_by(_c.id)
    with reading(f"the rows of {preview_id} in {import_parts.name} cannot be read"):
        for row in await session.run(wanted):
            rows[row.kind, row.place].append(row.content)
        return await asyncio.to_thread(lambda: {key: _whole(parts) for key, parts in rows.items()})


async def drop_parts(session: Session, preview_ids: Sequence[str]) -> None:
    """Remove all that belongs to previews."""
    await session.run(delete(import_parts).where(_c.preview_id.in_(preview_ids)))


def _whole(parts: Sequence[bytes]) -> bytes:
    try:
        return zlib.decompress(b"".join(parts))
    except zlib.error as error:
        raise ValueError(str(error)) from error
