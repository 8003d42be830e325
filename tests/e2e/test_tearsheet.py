"""``portfolio tearsheet`` on the books of the demonstration: the file that the route answers too."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.support.html_file import HtmlFile, check_that_it_is_alone
from tests.support.services.service import ServiceProcess

ATTEMPTS = 5
MOST_BYTES = 400_000


def written(service: ServiceProcess, file: Path, *words: str) -> bytes:
    """What the command writes."""
    done = service.command("tearsheet", *words, "-o", str(file))
    assert done.returncode == 0, done.stderr
    content = file.read_bytes()
    assert done.stdout == f"{file}: {len(content):,} bytes\n"
    return content


def answered(service: ServiceProcess, query: str) -> bytes:
    """What the route answers."""
    answer = httpx.get(f"{service.url}/reports/tearsheet?{query}", timeout=60.0)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_command_and_the_route_give_the_same_bytes(service: ServiceProcess, tmp_path: Path) -> None:
    before = file = b""
    for _ in range(ATTEMPTS):  # between two refreshes of the prices
        before = answered(service, "days=730&benchmark=ETH")
        file = written(service, tmp_path / "sheet.html", "--days", "730", "--benchmark", "eth-usd")
        if before == answered(service, "days=730&benchmark=ETH"):
            break
    assert file == before != b""
    check_that_it_is_alone(file)
    assert len(file) < MOST_BYTES


def test_a_private_file_has_no_dollar_in_its_figures(service: ServiceProcess, tmp_path: Path) -> None:
    file = check_that_it_is_alone(written(service, tmp_path / "private.html", "--private"))
    assert "total_value" not in file.figures
    assert not [text for attrs, text in file.of("span") if "data-exact" in attrs and "$" in text and "price" in attrs]
    assert "no amount of the books" in "".join(text for _, text in file.of("header"))


def test_every_section_of_a_full_year_says_something(service: ServiceProcess, tmp_path: Path) -> None:
    file = HtmlFile(written(service, tmp_path / "year.html"))
    undefined = [text for attrs, text in file.of("span") if attrs.get("class") == "null"]
    assert set(undefined) <= {"the closes of the benchmark could not be read"}, undefined
    assert "No data." not in "".join(text for _, text in file.of("svg"))


@pytest.mark.parametrize(
    "words",
    [["--days", "0", "-o", "x"], [], ["--days", "3651", "-o", "x"], ["--benchmark", "no such thing", "-o", "x"]],
)
def test_what_cannot_be_asked_writes_no_file(service: ServiceProcess, tmp_path: Path, words: list[str]) -> None:
    done = service.command("tearsheet", *[str(tmp_path / word) if word == "x" else word for word in words])
    assert done.returncode != 0
    assert done.stderr
    assert not list(tmp_path.iterdir())
