"""The check that proves the shape of the code finds what is too large, and takes a reason beside it."""

from pathlib import Path

import pytest

from checks.shape import crowded_folders, findings, large_definitions


def found_in(source: str) -> list[str]:
    """What is found in a module of this source."""
    return [str(finding) for finding in large_definitions(source, "module.py")]


def function(lines: int, *, parameters: str = "", comment: str = "", prefix: str = "") -> str:
    """A function of so many lines."""
    return f"{prefix}def long({parameters}):{comment}\n" + "    pass\n" * (lines - 1)


def class_of(lines: int, comment: str = "") -> str:
    """A class of so many lines."""
    return f"class Large:{comment}\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize("prefix", ["", "async "])
def test_a_function_of_more_than_40_lines_is_found(prefix: str) -> None:
    assert found_in(function(40, prefix=prefix)) == []
    assert found_in(function(41, prefix=prefix)) == ["module.py:1 long: 41 lines, at most 40"]


def test_a_class_of_more_than_150_lines_is_found() -> None:
    assert found_in(class_of(150)) == []
    assert found_in(class_of(151)) == ["module.py:1 Large: a class of 151 lines, at most 150"]


@pytest.mark.parametrize("parameters", ["a, b, c, d, e, f", "a, /, b, *, c, d, e, f", "self, a, b, c, *, d, e, f"])
def test_six_parameters_are_found_wherever_they_stand(parameters: str) -> None:
    assert found_in(function(2, parameters=parameters)) == ["module.py:1 long: 6 parameters, at most 5"]


@pytest.mark.parametrize("parameters", ["a, b, c, d, e", "self, a, b, c, *, d, e", "cls, a, /, b, c, d, e"])
def test_five_parameters_are_enough_and_self_is_none(parameters: str) -> None:
    assert found_in(function(2, parameters=parameters)) == []


def test_a_method_and_a_function_within_a_function_are_held_to_it_too() -> None:
    nested = "class Outer:\n    def method(self):\n        def inner(a, b, c, d, e, f):\n            pass\n"
    assert found_in(nested) == ["module.py:3 inner: 6 parameters, at most 5"]


def test_a_reason_beside_the_name_is_accepted_and_no_other_comment() -> None:
    assert found_in(function(41, parameters="a, b, c, d, e, f", comment="  # shape: its parts, injected")) == []
    assert found_in(class_of(151, "  # shape: one table")) == []
    assert len(found_in(function(41, comment="  # it is long"))) == 1
    assert len(found_in(function(41, comment="  # shape: "))) == 1


def test_a_reason_that_nothing_needs_is_found() -> None:
    unneeded = "module.py:1 {}: the reason beside it is not needed any more"
    assert found_in(function(40, comment="  # shape: it was long")) == [unneeded.format("long")]
    assert found_in(class_of(150, "  # shape: it was long")) == [unneeded.format("Large")]


@pytest.mark.parametrize("decorator", ["@get('/lots')", "@post('/lots', status_code=200)", "@click.command()"])
def test_parameters_that_a_framework_passes_are_not_counted_and_lines_are(decorator: str) -> None:
    taken = function(40, parameters="self, a, b, c, d, e, f")
    assert found_in(f"{decorator}\n{taken}") == []
    assert len(found_in(f"@cached\n{taken}")) == len(found_in(f"@cached(6)\n{taken}")) == 1
    assert found_in(f"{decorator}\n{function(41)}") == ["module.py:2 long: 41 lines, at most 40"]


@pytest.mark.parametrize("more", ["one_more.py", "page.html"])
def test_a_folder_of_more_than_16_files_is_found(tmp_path: Path, more: str) -> None:
    folder = tmp_path / "src" / "crowded"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "module.pyc").touch()
    for name in ("__init__", *(f"module_{number}" for number in range(16))):
        (folder / f"{name}.py").touch()
    assert list(crowded_folders(tmp_path)) == []
    (folder / more).touch()
    assert [str(finding) for finding in crowded_folders(tmp_path)] == ["src/crowded: 17 files, at most 16"]


def test_migrations_are_a_list_that_grows(tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for number in range(17):
        (versions / f"{number:04}.py").touch()
    assert list(crowded_folders(tmp_path)) == []


def test_a_file_of_more_than_300_lines_is_found(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "module.py").write_text("\n" * 300)
    assert findings(tmp_path) == []
    (tmp_path / "src" / "module.py").write_text("\n" * 301)
    assert [str(finding) for finding in findings(tmp_path)] == ["src/module.py: 301 lines, at most 300"]


def test_everything_over_its_size_in_a_checkout_is_listed(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "package"
    folder.mkdir(parents=True)
    (folder / "module.py").write_text(function(41))
    assert [str(finding) for finding in findings(tmp_path)] == ["src/package/module.py:1 long: 41 lines, at most 40"]
