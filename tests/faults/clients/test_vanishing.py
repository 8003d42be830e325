"""Clients who are gone when their answer comes are no fault of the service: no traceback, and nothing half booked."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path

import pytest

from tests.support.database.databases import DatabaseUnderTest
from tests.support.services.service import ServiceProcess

BOOKING = json.dumps({"symbol": "BTC", "side": "BUY", "quantity": 1, "price": 1, "net_amount": 1}).encode()
BATCH = b'{"bookings":[%s]}' % b",".join([BOOKING] * 100)
ROUNDS = 40


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return head.encode() + b"\r\n" + body


SENT = {
    "an answer, and garbage behind its request": get("/portfolio") + b"\x00\x01garbage",
    "a booking, and garbage behind it": post("/holdings/update", BOOKING) + b"\x16\x03\x01\x02",
    "many requests ahead": get("/metrics") * 10 + get("/openapi.json"),
    "bookings ahead": post("/holdings/update", BOOKING) * 5,
    "half a batch": post("/holdings/update/batch", BATCH)[:-100],
    "a batch": post("/holdings/update/batch", BATCH),
    "an upgrade": get("/portfolio")[:-2] + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("sent", SENT.values(), ids=list(SENT))
def test_a_client_that_vanishes_leaves_no_traceback(
    sqlite_database: DatabaseUnderTest, tmp_path: Path, sent: bytes
) -> None:
    with ServiceProcess(sqlite_database, tmp_path) as service:
        for number in range(ROUNDS):
            with socket.create_connection(("127.0.0.1", service.port)) as client:
                client.sendall(sent)
                match number % 3:
                    case 0:  # it resets
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    case 1:  # it says that it is done
                        client.shutdown(socket.SHUT_WR)
                    case _:  # it reads the beginning
                        client.settimeout(0.02)
                        _read_some(client)
        log = service.log()
        assert service.stop() == 0
        assert service.command("verify").returncode == 0
    assert '"level":"error"' not in log
    assert "Traceback" not in log + service.output()


def _read_some(client: socket.socket) -> None:
    try:
        client.recv(10)
    except OSError:
        return
