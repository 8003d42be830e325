"""Writes the pictures of the pages into docs/pictures/, from the demonstration's books: ``make screenshots``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from portfolio.entrypoints.demo.script import DAYS, RESTATED_DAY
from tests.support.browser.backtested import backtested
from tests.support.browser.browser import BrowserThread
from tests.support.browser.places import PAGES
from tests.support.browser.rules import Scheme, show
from tests.support.browser.visit import visiting
from tests.support.demo import demo_copy, make_demo
from tests.support.services.service import ServiceProcess

PICTURES: Final = Path(__file__).parents[3] / "docs" / "pictures"
_SETTLED: Final = "document.fonts.ready.then(() => new Promise(requestAnimationFrame))"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a whole page, or of its upper part where it is higher than so many pixels."""

    name: str
    path: str
    scheme: Scheme = "light"
    width: int = 1280
    most_height: int = 3_000


def pictures() -> Iterator[Picture]:
    """Yield the pictures: each page, and the overview in the dark and on a telephone too."""
    for name, path in PAGES.items():
        if name == "activity":  # what the demonstration tells late is of more kinds than its newest trades
            last = datetime.now(UTC).date() - timedelta(days=DAYS - RESTATED_DAY)
            yield Picture(name, f"{path}?until={last}", most_height=2_200)
        else:
            yield Picture(name, path)
    yield Picture("overview-dark", PAGES["overview"], scheme="dark")
    yield Picture("overview-narrow", PAGES["overview"], width=360)


async def take(browser: BrowserThread, url: str, picture: Picture, folder: Path) -> Path:
    """Write one picture, and return its file."""
    context = await browser.context()
    async with visiting(context, url, picture.path) as visit:
        await show(visit.page, picture.scheme, picture.width)
        await visit.page.evaluate(_SETTLED)
        height = await visit.page.evaluate("document.documentElement.scrollHeight")
        await visit.page.set_viewport_size({"width": picture.width, "height": min(height, picture.most_height)})
        file = folder / f"{picture.name}.png"
        await visit.page.screenshot(path=file)
    await context.close()
    return file


def write(folder: Path) -> None:
    """Make the demonstration's books, serve them, and write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        books = Path(place, "demo.db")
        make_demo(books)
        with ServiceProcess(demo_copy(books, Path(place)), Path(place)) as service, BrowserThread() as browser:
            backtested(service.url)
            for picture in pictures():
                file = browser.run(take(browser, service.url, picture, folder))
                print(f"{file.name}: {file.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
