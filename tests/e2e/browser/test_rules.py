"""The rules for pages find what they are for: each is shown a page with one fault, and finds it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.browser import rules
from tests.support.browser.browser import BrowserThread
from tests.support.browser.chromium import PROGRAM, ChromiumMissing, find_or_install_chromium
from tests.support.browser.visit import visiting

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"
STYLE = """
body { font: 16px sans-serif; color: #111; background: #fff; }
a, button { display: inline-block; min-width: 24px; min-height: 24px; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111; } a { color: #9cf; } }
"""
SOUND = '<h1>A page</h1><p>Some text.</p><p><a href="/other">another page</a></p><button>press</button>'


@dataclass(frozen=True)
class Fault:
    """What makes a page unsound, and what is found then."""

    found: str
    body: str
    style: str = ""


FAULTS = [
    Fault("wider than the page", "<p class=x>wide</p>", ".x { width: 340px; }"),
    Fault("text is cut", "<p class=x>too long</p>", ".x { width: 9px; overflow: hidden; white-space: nowrap; }"),
    Fault("crowded: <text", "<svg class=chart><text y=20>one</text><text y=20 x=5>other</text></svg>"),
    Fault("beyond the chart: <text", "<svg class=chart width=50 overflow=visible><text y=20 x=40>one</text></svg>"),
    Fault("a table without a name: <table>", "<table><tr><th>one<td>1</table>"),
    Fault("a word is broken: broken", "<p class=x>broken</p>", ".x { width: 40px; overflow-wrap: anywhere; }"),
    Fault("target of 20 x", "<button class=x>y</button>", ".x { min-width: 0; width: 20px; padding: 0; }"),
    Fault("for pointers only: <p.x>", "<p class=x>press me</p>", ".x { cursor: pointer; }"),
    Fault("focus cannot be seen: <button.x>", "<button class=x>y</button>", ".x:focus { outline: none; }"),
    Fault("axe: color-contrast", "<p class=x>pale</p>", "@media (prefers-color-scheme: dark) { .x { color: #333; } }"),
    Fault("axe: image-alt", '<img src="/style.css">'),
    Fault("policy: style-src-attr inline", "<p style='color: red'>x</p>"),
    Fault("foreign request: https://192.0.2.1/x.png", '<img alt="x" src="https://192.0.2.1/x.png">'),
    Fault(
        "on paper: nothing beyond",
        "<div class=x tabindex=0><p class=y>wide</p></div>",
        ".x { overflow-x: auto; } .y { width: 1200px; }",
    ),
]


@dataclass
class Site:
    """A page that a test writes, with a policy."""

    url: str = ""
    body: str = SOUND
    style: str = STYLE

    def content(self, path: str) -> tuple[str, str]:
        """Return the type and the text of what is at a path."""
        if path == "/style.css":
            return "text/css", self.style
        head = '<title>A page</title><meta name="viewport" content="width=device-width">'
        head += '<link rel="stylesheet" href="/style.css">'
        body = f"<body><main>{self.body}</main></body>"
        return "text/html", f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>'


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = site.content(self.path)
            self.send_response(200)
            self.send_header("Content-Type", kind + "; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="site")
    thread.start()
    try:
        site.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def findings(browser: BrowserThread, site: Site) -> list[str]:
    """Return all that the rules find on the site's page."""

    async def look() -> list[str]:
        context = await browser.context()
        async with visiting(context, site.url) as visit:
            found = [*await rules.by_keys(visit.page), *await rules.in_every_view(visit.page, widths=(320,))]
            found += await rules.on_paper(visit.page)
            found += visit.complaints
        await context.close()
        return found

    return browser.run(look())


def test_nothing_is_found_on_a_sound_page(browser: BrowserThread, site: Site) -> None:
    assert findings(browser, site) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.found)
def test_each_rule_finds_what_it_is_for(browser: BrowserThread, site: Site, fault: Fault) -> None:
    site.body += fault.body
    site.style += fault.style
    assert [finding for finding in findings(browser, site) if fault.found in finding]


def test_of_rows_that_look_alike_two_are_seen_and_one_that_looks_otherwise(browser: BrowserThread, site: Site) -> None:
    site.style += ".pale { color: #ccc; }"
    rows = ["<tr><td>sound</td></tr>"] * 4 + ["<tr><td class=pale>pale</td></tr>"] * 4
    site.body += f"<table><caption>Rows</caption><tbody>{''.join(rows)}</tbody></table>"
    found = [finding for finding in findings(browser, site) if "axe: color-contrast" in finding]
    assert found
    assert all(", 2 times: " in finding for finding in found)


def test_colours_are_seen_at_one_width_and_all_else_at_the_widest_and_the_narrowest(
    browser: BrowserThread, site: Site
) -> None:
    site.style += ".x { color: #ccc; } @media (prefers-color-scheme: dark) { .x { color: #333; } }"
    site.body += '<p class=x>pale</p><img src="/style.css">'

    async def look() -> list[str]:
        context = await browser.context()
        async with visiting(context, site.url) as visit:
            found = await rules.in_every_view(visit.page)
        await context.close()
        return found

    views = [finding.rpartition(" (")[2] for finding in browser.run(look()) if finding.startswith("axe: ")]
    assert sorted(views) == ["dark 320)", "light 1280, forced 320)", "light 1280, light 320)"]


def test_what_the_tab_key_jumps_over_is_found(browser: BrowserThread, site: Site) -> None:
    site.body += "<div inert><button>y</button></div>"
    assert [finding for finding in findings(browser, site) if "not reached by keys: <button>" in finding]


def test_what_was_received_is_every_byte_that_came(browser: BrowserThread, site: Site) -> None:
    async def look() -> str:
        context = await browser.context()
        async with visiting(context, site.url) as visit:
            received = await visit.received()
        await context.close()
        return received

    received = browser.run(look())
    assert "Some text." in received
    assert "prefers-color-scheme" in received


def test_without_chromium_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAM, "/nowhere/chromium")
    with pytest.raises(ChromiumMissing, match="apt-get install --no-install-recommends chromium"):
        find_or_install_chromium()
