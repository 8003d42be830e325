"""Audits the dependencies without a network: every one pinned and hashed, none missing or idle, every licence known.

Known vulnerabilities are not among it, as they are known to the network only: `make audit` asks for those.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
# The build group is a list of its own and part of the development one.
GROUPS = {"requirements.lock": (), "requirements-dev.lock": ("dev", "build"), "requirements-build.lock": ("build",)}
# Who has a cluster installs this: neither `make run` nor the container does.
ONLY_TESTED = frozenset({"dask"})

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+-]+)(?: ; (?P<marker>[^\\]+?))?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_LICENCES = re.compile(r"\b(MIT|BSD|0BSD|Apache|PSF|MPL[- ]2\.0|Mozilla Public License 2\.0|Zlib|CC0|ISC|Unlicense)\b")
_UNWANTED = re.compile(r"\b(A?GPL|Affero|General Public)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pin:
    """A locked version; ``applies`` is whether this platform is one it is for."""

    version: str
    applies: bool


def read_lock(text: str) -> tuple[dict[str, Pin], list[str]]:
    """Return what a lock file pins, and what is wrong with it."""
    pins: dict[str, Pin] = {}
    faults, entries = [], 0
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for entry in re.sub(r" *\\$\n", "\n", "\n".join(lines), flags=re.MULTILINE).split("\n"):
        if entry.startswith(" "):
            if not _HASH.fullmatch(entry.strip()):
                faults.append(f"{entry.strip()[:60]!r} is no SHA-256")
            continue
        found = _PINNED.fullmatch(entry.strip())
        if found is None:
            faults.append(f"{entry[:60]!r} pins no version")
            continue
        marker = found["marker"]
        applies = marker is None or bool(Requirement(f"x ; {marker}").marker.evaluate())  # type: ignore[union-attr]  # it has a marker by then
        entries += 1
        # One name may come several times, for several platforms.
        if applies or canonicalize_name(found["name"]) not in pins:
            pins[canonicalize_name(found["name"])] = Pin(found["version"], applies)
    hashed = len(re.findall(r"==[^\n]*\\\n +--hash=", text))
    if hashed != entries:
        faults.append(f"{entries - hashed} pinned without a hash")
    return pins, faults


def wanted(pyproject: Mapping[str, object], groups: Sequence[str]) -> list[Requirement]:
    """Return what the project asks for, by itself, with its extras, and in these dependency groups."""
    project, all_groups = pyproject["project"], pyproject["dependency-groups"]
    assert isinstance(project, dict)
    assert isinstance(all_groups, dict)
    left_out = frozenset() if "dev" in groups else ONLY_TESTED
    extras = {name: of for name, of in project.get("optional-dependencies", {}).items() if name not in left_out}
    own = (
        [] if groups == ("build",) else [*project["dependencies"], *(one for extra in extras.values() for one in extra)]
    )
    texts = [*own, *(one for group in groups for one in all_groups[group] if isinstance(one, str))]
    return [Requirement(text) for text in texts]


def mismatches(requirements: Sequence[Requirement], pins: Mapping[str, Pin]) -> Iterator[str]:
    """Yield what is asked for and not locked, or locked at a version that is not asked for."""
    for one in requirements:
        pin = pins.get(canonicalize_name(one.name))
        if pin is None:
            yield f"{one.name} is asked for and not locked"
        elif not one.specifier.contains(pin.version, prereleases=True):
            yield f"{one.name} is locked at {pin.version}, asked for is {one.specifier}"


def unbalanced(requirements: Sequence[Requirement], pins: Mapping[str, Pin]) -> Iterator[str]:
    """Yield what a locked package needs and the lock lacks, and what is locked and needed by nothing."""
    reached: set[str] = set()
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in requirements]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        reached.add(name)
        for text in _installed(name).requires or ():
            need = Requirement(text)
            if not any(need.marker is None or need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                continue
            found = (canonicalize_name(need.name), frozenset(need.extras))
            if found[0] not in pins:
                yield f"{name} needs {need.name}, which is not locked"
            elif found not in seen:
                seen.add(found)
                waiting.append(found)
    for idle in sorted({name for name, pin in pins.items() if pin.applies} - reached):
        yield f"{idle} is locked and needed by nothing"


def licence_faults(names: Sequence[str]) -> Iterator[str]:
    """Yield the packages whose licence is none of those known to allow any use."""
    for name in names:
        metadata = _installed(name).metadata
        classifiers = [text for text in metadata.get_all("Classifier", []) if text.startswith("License")]
        plain = [text for field in ("License-Expression", "License") for text in metadata.get_all(field, [])]
        if classifiers:
            # A text of many lines lists what is bundled too: of scipy the run-time library of GCC, whose GPL has the
            # exception that allows any use. What the package itself is under, its classifiers say.
            plain = [text for text in plain if "\n" not in text]
        licence = "; ".join([*plain, *classifiers]) or _heading_of_licence(_installed(name))
        if not _LICENCES.search(licence) or _UNWANTED.search(licence):
            yield f"{name}: licence {licence[:80]!r} is not known to be fine"


def _heading_of_licence(package: Distribution) -> str:
    """Return the first line of the licence's text, for packages whose metadata name none."""
    texts = (package.read_text(f"licenses/{file}") for file in package.metadata.get_all("License-File", []))
    return "; ".join(text.lstrip().partition("\n")[0] for text in texts if text)


def audit(root: Path) -> list[str]:
    """Return all that is wrong with the dependencies of the project at ``root``."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    faults: list[str] = []
    versions: dict[str, str] = {}
    for lock in LOCKS:
        pins, found = read_lock((root / lock).read_text())
        requirements = wanted(pyproject, GROUPS[lock])
        found += [*mismatches(requirements, pins), *unbalanced(requirements, pins)]
        for name, pin in pins.items():
            if versions.setdefault(name, pin.version) != pin.version:
                found.append(f"{name} is {pin.version} here and {versions[name]} in another lock")
            if pin.applies and _installed(name).version != pin.version:
                found.append(f"{name} is locked at {pin.version}, installed is {_installed(name).version}")
        found += licence_faults([name for name, pin in pins.items() if pin.applies])
        faults += [f"{lock}: {fault}" for fault in found]
    return faults


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        sys.exit(f"dependencies: {name} is locked and not installed: make install-dev")


if __name__ == "__main__":
    if wrong := audit(ROOT):
        sys.exit("\n".join(wrong))
    print("Dependencies: pinned, hashed, complete, none idle, licences known.")
