"""The sheets of an OpenDocument spreadsheet: what their cells say, and the marks beside it."""

import zipfile
from xml.etree import ElementTree

NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}


def name(short):
    prefix, local = short.split(":")
    return f"{{{NAMES[prefix]}}}{local}"


def read_sheets(path, wanted):
    """For each wanted sheet its cells: (row, column) from 1 to (text, superscript)."""
    with zipfile.ZipFile(path) as packed:
        root = ElementTree.fromstring(packed.read("content.xml"))
    raised = set()
    for style in root.iter(name("style:style")):
        looks = style.find(name("style:text-properties"))
        if looks is not None and not looks.get(name("style:text-position"), "0%").startswith("0%"):
            raised.add(style.get(name("style:name")))
    found = {}
    for table in root.iter(name("table:table")):
        title = table.get(name("table:name"))
        if title in wanted:
            assert title not in found, title
            found[title] = cells(table, raised)
    assert set(found) == set(wanted), set(wanted) - set(found)
    return found


def cells(table, raised):
    sheet = {}
    row = 1
    for line in table.iter(name("table:table-row")):
        rows = int(line.get(name("table:number-rows-repeated"), 1))
        column = 1
        for cell in line:
            columns = int(cell.get(name("table:number-columns-repeated"), 1))
            content = read_cell(cell, raised)
            if content:
                # A filled cell is repeated over a few cells at the most, an empty one over the rest.
                assert rows * columns < 1000
                for r in range(row, row + rows):
                    sheet |= {(r, c): content for c in range(column, column + columns)}
            column += columns
        row += rows
    return sheet


def read_cell(cell, raised):
    """A number as it is stored, not as it is shown; a text apart from what stands raised in it."""
    kind = cell.get(name("office:value-type"))
    if kind == "float":
        return (cell.get(name("office:value")), "")
    assert kind in (None, "string"), kind
    plain, marks = [], []

    def walk(part, to):
        to.append(part.text or "")
        for inner in part:
            if inner.tag == name("text:s"):
                to.append(" " * int(inner.get(name("text:c"), 1)))
            else:
                walk(inner, marks if inner.get(name("text:style-name")) in raised else to)
            to.append(inner.tail or "")

    for paragraph in cell.findall(name("text:p")):
        walk(paragraph, plain)
    return (("".join(plain), "".join(marks)) if "".join(plain).strip() else None)
