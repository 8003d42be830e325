"""The plugin of mypy finds structs that are copied as dataclasses are."""

import re
import subprocess
import sys
from pathlib import Path

from checks import copies

CALLS = """
import dataclasses
from typing import Self
import msgspec

@dataclasses.dataclass
class Value:
    size: int

class Record(msgspec.Struct):
    size: int

    def more(self) -> Self:
        return dataclasses.replace(self, size=2)  # refused

def calls(value: Value, record: Record, either: Value | Record, kind: type[Record]) -> None:
    dataclasses.replace(record, size=2)  # refused
    dataclasses.replace(either, size=2)  # refused
    dataclasses.fields(Record)  # refused
    dataclasses.fields(kind)  # refused
    dataclasses.replace(value, size=2)
    dataclasses.fields(Value)
    msgspec.structs.replace(record, size=2)
"""


def test_a_struct_is_not_copied_as_a_dataclass_is(tmp_path: Path) -> None:
    tmp_path.joinpath("mypy.ini").write_text(f"[mypy]\nplugins = {copies.__file__}\n")
    tmp_path.joinpath("calls.py").write_text(CALLS)
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "calls.py"]

    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    refused = [number for number, line in enumerate(CALLS.splitlines(), 1) if line.endswith("# refused")]
    assert [int(found[1]) for found in re.finditer(r':(\d+): error: "Record" is a struct', said)] == refused
    assert f"Found {len(refused)} errors" in said
