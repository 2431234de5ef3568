"""What both carry-over scripts share: fixed bytes for workbooks, and source.toml files."""

import datetime as dt
import hashlib
import io
import os
import pathlib
import re
import sys
import zipfile

from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

ACCESSED = "2026-11-22"
STAMP = dt.datetime(2026, 11, 22)
ROOT = pathlib.Path(__file__).resolve().parent.parent
INLINE = re.compile(r'<c r="([A-Z]+\d+)"( s="\d+")? t="inlineStr"><is>(.*?)</is></c>', re.S)


def folder(variable):
    """The folder an environment variable names."""
    value = os.environ.get(variable)
    if not value or not pathlib.Path(value).is_dir():
        sys.exit(f"{variable} must name a folder")
    return pathlib.Path(value)


def marked(text, mark, bold=False, font="Arial", size=10):
    """A label with a superscript footnote mark, as two rich-text runs."""
    return CellRichText(
        TextBlock(InlineFont(rFont=font, sz=size, b=bold), text),
        TextBlock(InlineFont(rFont=font, sz=size, b=bold, vertAlign="superscript"), str(mark)),
    )


def save_workbook(book, path):
    """Write a workbook with the same bytes on every run."""
    book.properties.creator = "opeka"
    book.properties.created = STAMP
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    core = parts["docProps/core.xml"].decode("utf-8")
    core = re.sub(
        r"(<dcterms:modified[^>]*>)[^<]*", r"\g<1>" + STAMP.strftime("%Y-%m-%dT%H:%M:%SZ"), core
    )
    parts["docProps/core.xml"] = core.encode("utf-8")
    share_strings(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as out:
        first = "[Content_Types].xml"
        for name in [first, *(n for n in parts if n != first)]:
            info = zipfile.ZipInfo(name, date_time=STAMP.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.create_system = 3
            out.writestr(info, parts[name], compresslevel=9)


def share_strings(parts):
    """Move every text from the cells to a shared string table, where Excel itself keeps it."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    assert "xl/sharedStrings.xml" not in parts
    table = {}
    uses = 0

    def shared(match):
        nonlocal uses
        uses += 1
        index = table.setdefault(match.group(3), len(table))
        return f'<c r="{match.group(1)}"{match.group(2) or ""} t="s"><v>{index}</v></c>'

    for name in [n for n in parts if n.startswith("xl/worksheets/sheet")]:
        parts[name] = INLINE.sub(shared, parts[name].decode("utf-8")).encode("utf-8")
        assert b"inlineStr" not in parts[name], name
    parts["xl/sharedStrings.xml"] = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<sst xmlns="{main}" count="{uses}" uniqueCount="{len(table)}">'
        + "".join(f"<si>{text}</si>" for text in table)
        + "</sst>"
    ).encode("utf-8")
    insert(parts, "[Content_Types].xml", "</Types>",
           f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}" />')
    insert(parts, "xl/_rels/workbook.xml.rels", "</Relationships>",
           f'<Relationship Type="{relation}" Target="sharedStrings.xml" Id="rIdStrings" />')


def insert(parts, name, before, text):
    """Put `text` in front of the closing tag of a part."""
    old = parts[name].decode("utf-8")
    assert old.count(before) == 1, name
    parts[name] = old.replace(before, text + before).encode("utf-8")


def write_source(path, **fields):
    """Write `<name>.source.toml` beside a shipped file."""
    data = path.read_bytes()
    fields |= {
        "accessed": ACCESSED,
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }
    order = (
        "title publisher producer citation url licence licence_url published accessed file sha256"
        " size note"
    ).split()
    unknown = set(fields) - set(order)
    assert not unknown, unknown
    lines = []
    for key in order:
        if key in fields:
            value = fields[key]
            assert isinstance(value, int) or "\n" not in value, key
            text = value if isinstance(value, int) else '"' + value.replace('"', '\\"') + '"'
            lines.append(f"{key} = {text}\n")
    path.with_suffix(".source.toml").write_text("".join(lines), encoding="utf-8", newline="\n")
