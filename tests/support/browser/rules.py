"""What every page is held to in a browser: each function returns findings in words, none where all is well."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

Scheme = Literal["light", "dark", "forced"]
SCHEMES: Final[Sequence[Scheme]] = ("light", "dark", "forced")
WIDTHS: Final[Sequence[int]] = (1280, 360, 320)
HEIGHT: Final = 900
# What colours do not change.
LAYOUT: Final = ("wider", "cut", "crowded", "unnamed", "uneven", "broken", "small", "deaf")

_RULES = Path(__file__).with_name("rules.js").read_text()
_ALL: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What depends on colours: nothing else differs between light, dark and forced ones.
_OF_COLOURS: Final = ["color-contrast", "link-in-text-block"]
_ROWS: Final = 25
# A4 without margins of 10 mm, in pixels of 1/96 inch.
_PAPER_WIDTH: Final = round((210 - 20) / 25.4 * 96)
_MOST_STOPS: Final = 600
# What was reached is told by its element, which a part that is fetched anew replaces.
_SWITCH_PAUSE: Final = "() => document.querySelector('[data-switch=pause]:not([hidden])')?.click()"


async def check(page: Page, *rules: str) -> list[str]:
    """Return what these functions of ``rules.js`` find."""
    calls = ", ".join(f"...rules.{rule}()" for rule in rules)
    found: list[str] = await page.evaluate(f"(() => {{ const rules = {_RULES}; return [{calls}]; }})()")
    return found


async def axe(page: Page, rules: Sequence[str] = _ALL, *, without: Sequence[str] = ()) -> list[str]:
    """Return what axe finds by these rules, each with the first places of it; of rows that look alike it sees two."""
    await check(page, "takeAlike")
    options = {
        "resultTypes": ["violations"],
        "runOnly": list(rules),
        "rules": {one: {"enabled": False} for one in without},
    }
    results = await Axe().run(page, options=options)
    await check(page, "bringBack")
    return [
        f"axe: {found['id']} ({found['help']}), {len(found['nodes'])} times: "
        + "; ".join(_place(node) for node in found["nodes"][:3])
        for found in results.response["violations"]
    ]


def _place(node: dict[str, Any]) -> str:
    told = " ".join(one["message"] for one in [*node["any"], *node["all"], *node["none"]])
    return f"{node['html'][:120]} [{told[:160]}]"


async def shorten(page: Page) -> None:
    """Leave of long tables the first rows alone: the others are made alike, and each hundred takes seconds more."""
    await page.evaluate(f"document.querySelectorAll('tr:nth-child(n+{_ROWS + 1})').forEach(row => row.remove())")


async def show(page: Page, scheme: Scheme, width: int) -> None:
    """Show the page in these colours at this width."""
    await page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light", forced_colors="active" if scheme == "forced" else "none"
    )
    await page.set_viewport_size({"width": width, "height": HEIGHT})


async def in_every_view(page: Page, *, widths: Sequence[int] = WIDTHS, with_axe: bool = True) -> list[str]:
    """Return what is found in any colours at any width; what several views have in common stands once."""
    seen: dict[str, list[str]] = {}
    for width, scheme in product(widths, SCHEMES):
        # Colours are the same at any width; between the widest and the narrowest view nothing but the layout differs.
        is_for_colours = with_axe and width == widths[0 if scheme == "light" else -1]
        if scheme != "light" and not is_for_colours:
            continue
        await show(page, scheme, width)
        found = await check(page, *LAYOUT) if scheme == "light" else []
        if is_for_colours:
            found += await axe(page, _ALL if scheme == "light" else _OF_COLOURS)
        elif with_axe and width == widths[-1]:
            found += await axe(page, without=_OF_COLOURS)
        for finding in found:
            seen.setdefault(finding, []).append(f"{scheme} {width}")
    return [f"{finding} ({', '.join(views)})" for finding, views in seen.items()]


async def by_keys(page: Page) -> list[str]:
    """Return what the tab key does not reach, and where it cannot be seen that it has.

    Meanwhile the page is paused, and has two of rows that look alike.
    """
    await page.evaluate(_SWITCH_PAUSE)
    await page.evaluate("() => { window.__seen = new Set(); document.activeElement?.blur(); window.scrollTo(0, 0); }")
    await page.evaluate(f"window.__rules = {_RULES}; window.__rules.takeAlike()")
    found: list[str] = []
    for _ in range(_MOST_STOPS):
        await page.keyboard.press("Tab")
        told = await page.evaluate("window.__rules.focused()")
        if told is None:
            break
        found += [told] if told else []
    found += await check(page, "unreached", "bringBack")
    await page.evaluate(_SWITCH_PAUSE)
    return found


async def on_paper(page: Page) -> list[str]:
    """Return what a print on A4 would lose."""
    await page.emulate_media(media="print", color_scheme="light", forced_colors="none")
    await page.set_viewport_size({"width": _PAPER_WIDTH, "height": HEIGHT})
    found = [f"on paper: {finding}" for finding in await check(page, "wider", "lost")]
    printed = await page.pdf(format="A4", margin={"top": "10mm", "right": "10mm", "bottom": "10mm", "left": "10mm"})
    await page.emulate_media(media="screen")
    return found if printed.startswith(b"%PDF-") else [*found, "it cannot be printed"]


def listed(findings: Sequence[str]) -> str:
    """Return findings as the message of a failed test."""
    return json.dumps(list(findings), indent=2, ensure_ascii=False)
