"""Workbooks (.xlsx) made in tests, of as few parts as a spreadsheet opens."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# Style 1 is a day, 2 a day with a clock, 3 a number with words in its format, 4 a day by a format of its own.
STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" formatCode="0.00 &quot;days&quot;"/>'
    '<numFmt numFmtId="165" formatCode="[$-409]dd/mm/yyyy\\ hh:mm"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    "</cellXfs>"
    "</styleSheet>"
)


def text(words: str) -> str:
    """A cell with its text in it."""
    return f'<c t="inlineStr"><is><t>{escape(words)}</t></is></c>'


def number(digits: str, style: int = 0) -> str:
    """A cell with a number as it stands there."""
    return f'<c s="{style}"><v>{digits}</v></c>'


def row(*cells: str) -> str:
    """A row of cells; a plain word is a text."""
    return f"<row>{''.join(one if one.startswith('<') else text(one) for one in cells)}</row>"


def sheet(*rows: str) -> str:
    """The part of a sheet."""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


def workbook(
    *sheets: str,
    strings: Sequence[str] = (),
    properties: str = "",
    parts: Mapping[str, str | bytes | None] | None = None,
) -> bytes:
    """A workbook of sheets, with texts that cells share; ``parts`` are others, or instead; None is none."""
    names = [f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(len(sheets))]
    links = [
        f'<Relationship Id="r{n}" Type="{_LINKS}/worksheet" Target="worksheets/s{n}.xml"/>' for n in range(len(sheets))
    ]
    shared = "".join(f"<si>{one if one.startswith('<') else f'<t>{escape(one)}</t>'}</si>" for one in strings)
    wanted: dict[str, str | bytes | None] = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}">{properties}<sheets>{"".join(names)}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{"".join(links)}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{shared}</sst>',
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/s{n}.xml": one for n, one in enumerate(sheets)},
        **(parts or {}),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in wanted.items():
            if part is not None:
                archive.writestr(name, part)
    return file.getvalue()
