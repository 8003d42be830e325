"""The example of SECURITY.md, in a real nginx before the service: what pages, engines and those who listen need."""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from portfolio.entrypoints.http.imports.uploads import LARGEST_UPLOAD
from tests.support.database.databases import DatabaseUnderTest
from tests.support.programs import NGINX
from tests.support.services.service import ServiceProcess, free_port

ROOT = Path(__file__).parents[2]
KEY = "a-key-of-enough-length"
AS_ENGINE = {"X-TRADING-API-KEY": KEY}
SETTINGS = {"PORTFOLIO_API_KEYS": f"engine:read+trade:{KEY}", "PORTFOLIO_TRUSTED_PROXIES": "127.0.0.1"}
TEMPORARY = "\n".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
AROUND = """
daemon off; pid pid; error_log stderr; worker_processes 1; user {user} {group};
events {{ }}
http {{
{temporary}
access_log off;
{before}
server {{ listen 127.0.0.1:{port}; {server} }}
}}
"""


def example(service: str) -> tuple[str, str]:
    """What SECURITY.md has for nginx: what is beside a server, and what is in it; before this service."""
    [text] = re.findall(r"```nginx\n(.*?)```", (ROOT / "SECURITY.md").read_text(), re.DOTALL)
    assert "http://127.0.0.1:8026;" in text
    before, at, server = text.replace("http://127.0.0.1:8026", service).partition("location")
    return before, at + server


@pytest.fixture
def proxy(sqlite_database: DatabaseUnderTest, tmp_path: Path) -> Iterator[str]:
    """The address of a proxy, host and port, with the service behind it."""
    nginx, port = NGINX.find_or_fetch(tmp_path), free_port()
    with ServiceProcess(sqlite_database, tmp_path, settings=SETTINGS) as service:
        before, server = example(service.url)
        configuration = tmp_path / "nginx.conf"
        # Its workers write into the folder of the test, which no other user may.
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        configuration.write_text(
            AROUND.format(user=user, group=group, temporary=TEMPORARY, before=before, port=port, server=server)
        )
        running = subprocess.Popen([nginx, "-e", "stderr", "-p", str(tmp_path), "-c", str(configuration)])
        try:
            until = time.monotonic() + 30
            while not _answers(f"http://127.0.0.1:{port}/health/live"):
                assert running.poll() is None, "nginx does not take the example"
                assert time.monotonic() < until
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.unmeasured
def test_a_proxy_like_the_example_passes_on_all_that_the_service_answers(proxy: str) -> None:
    with httpx.Client(base_url=f"http://{proxy}", headers=AS_ENGINE, timeout=30) as client:
        # A browser signs in whatever the port: it says with its origin on which one it is.
        form = {"Origin": f"http://{proxy}", "Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/pages/sign-in", content=f"key={KEY}", headers=form).status_code == 303
        # A file of the largest size comes to the service.
        file = {"file": ("trades.csv", b"x" * (LARGEST_UPLOAD - 10_000))}
        preview = client.post("/imports", files=file)
        assert preview.status_code == 200, preview.text
        with client.stream("GET", "/stream/events") as events:
            assert next(events.iter_lines()) == "event: hello"
    with connect(f"ws://{proxy}/stream", additional_headers=AS_ENGINE, subprotocols=["portfolio.v1"]) as listener:  # type: ignore[list-item]  # a str is its Subprotocol
        assert '"type":"hello"' in str(listener.recv(timeout=30))
