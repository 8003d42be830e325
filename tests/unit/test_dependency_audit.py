"""The audit of dependencies that needs no network: each thing it is to find, it finds."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from checks.dependencies import LOCKS, ROOT, audit, licence_faults, mismatches, read_lock, unbalanced, wanted

HASH = "--hash=sha256:" + "0" * 64
CLICK = f"click==8.5.1 \\\n    {HASH}\n"


def test_the_dependencies_of_this_project_pass() -> None:
    assert audit(ROOT) == []


def test_what_is_pinned_and_hashed_is_read_with_its_platform() -> None:
    pins, faults = read_lock(
        f"# a comment\n{CLICK}uvloop==0.23.0 ; sys_platform == 'amiga' \\\n    {HASH} \\\n    {HASH}\n"
    )
    assert faults == []
    assert {name: (pin.version, pin.applies) for name, pin in pins.items()} == {
        "click": ("8.5.1", True),
        "uvloop": ("0.23.0", False),
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("click>=8\n", "pins no version"),
        ("click==8.5.1\n", "without a hash"),
        ("click==8.5.1 \\\n    --hash=md5:0\n", "is no SHA-256"),
        ("--index-url https://elsewhere.example/simple\n", "pins no version"),
        ("--find-links /somewhere\n", "pins no version"),
        ("click @ git+https://elsewhere.example/click\n", "pins no version"),
        ("-e .\n", "pins no version"),
    ],
)
def test_what_is_not_pinned_or_not_hashed_or_from_elsewhere_is_found(line: str, complaint: str) -> None:
    _, faults = read_lock(CLICK.replace("click", "rich") + line)
    assert [fault for fault in faults if complaint in fault]


def test_a_lock_that_does_not_fit_what_is_asked_for_is_found() -> None:
    pins, _ = read_lock(CLICK)
    asked = [Requirement("click>=9"), Requirement("rich")]
    assert list(mismatches(asked, pins)) == [
        "click is locked at 8.5.1, asked for is >=9",
        "rich is asked for and not locked",
    ]


def test_a_lock_that_lacks_something_or_has_too_much_is_found() -> None:
    pins, _ = read_lock(CLICK + CLICK.replace("click", "rich"))
    found = list(unbalanced([Requirement("rich")], pins))
    assert "rich needs pygments, which is not locked" in found
    assert "click is locked and needed by nothing" in found


def test_every_extra_and_every_group_of_the_project_is_looked_at() -> None:
    project = {"dependencies": ["a"], "optional-dependencies": {"heavy": ["h"]}}
    pyproject = {"project": project, "dependency-groups": {"build": ["b"], "dev": ["c"]}}
    assert [[one.name for one in wanted(pyproject, groups)] for groups in ((), ("dev", "build"), ("build",))] == [
        ["a", "h"],
        ["a", "h", "c", "b"],
        ["b"],
    ]
    assert {path.name for path in ROOT.glob("requirements*.lock")} == set(LOCKS)


def test_a_licence_that_nobody_knows_is_found() -> None:
    assert list(licence_faults(["click", "certifi", "sqlalchemy"])) == []
    assert list(licence_faults(["axe-playwright-python"])) == []  # its licence is told by the text alone
    assert list(licence_faults(["portfolio"])) == ["portfolio: licence '' is not known to be fine"]
