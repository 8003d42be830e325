"""Finds Chromium on this machine, and installs it where that is possible."""

from __future__ import annotations

import os
import shutil

from tests.support.packages import install_packages

PROGRAM = "TEST_CHROMIUM"
# First the one without windows: it lays out and colours alike, in two thirds of the processor time.
HEADLESS = "chromium-headless-shell"
NAMES = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Where browsers are that are in nobody's PATH.
FURTHER_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ADVICE = (
    f"The tests of the pages need Chromium. Debian: apt-get install --no-install-recommends {HEADLESS}; Fedora: dnf"
    f" install chromium; Ubuntu and macOS: install Google Chrome. {PROGRAM} names one that is elsewhere."
)


class ChromiumMissing(Exception):
    """There is no Chromium; says what to install."""


def find_chromium() -> str | None:
    """The program, if it is here."""
    named = os.environ.get(PROGRAM)
    if named:
        return shutil.which(named)
    found = (shutil.which(name) for name in (*NAMES, *FURTHER_PLACES))
    return next((path for path in found if path is not None), None)


def find_or_install_chromium() -> str:
    """The program, installed by apt-get if it was missing and we may.

    Raises:
        ChromiumMissing: it is missing and cannot be installed; says what to install.
    """
    found = find_chromium()
    if found is not None:
        return found
    failure = "" if os.environ.get(PROGRAM) else install_packages((HEADLESS,), ("chromium",))
    found = find_chromium()
    if found is None:
        message = f"{ADVICE}\n{failure}".strip()
        raise ChromiumMissing(message)
    return found
