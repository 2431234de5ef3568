"""What the derivations share: readers of other makers than ours, the code lists, and the output.

A derivation collects observations in an `Expected` and prints `<name>.expected.toml`.
"""

import csv
import math
import os
import pathlib
import re
import sys
import zipfile
from collections import Counter

CORPUS = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
CODELISTS = pathlib.Path(__file__).resolve().parents[3] / "datasets" / "codelists"


# Cells ---------------------------------------------------------------------------------------

def column_name(column):
    """Letters of a column that counts from 1."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def a1(row, column):
    """The address of a cell; both count from 1."""
    return f"{column_name(column)}{row}"


class Sheet:
    """Cells by (row, column) from 1; empty texts are left out. `indent` holds levels, by cell."""

    def __init__(self, name, cells, merged=(), indent=None):
        self.name, self.cells, self.merged = name, cells, list(merged)
        self.indent = indent or {}
        self.rows = max((r for r, _ in cells), default=0)
        self.columns = max((c for _, c in cells), default=0)

    def __getitem__(self, at):
        return self.cells.get(at)

    def text(self, row, column):
        """Spaces folded; a number in its shortest form; an empty cell is an empty text."""
        value = self.cells.get((row, column))
        if value is None:
            return ""
        if isinstance(value, float) and value == int(value):
            value = int(value)
        return fold(str(value))

    def find(self, text, starts=False):
        """All cells that read so, by the normalised text."""
        wanted = normalise(text)
        hit = (lambda t: t.startswith(wanted)) if starts else (lambda t: t == wanted)
        return sorted(at for at in self.cells if hit(normalise(self.text(*at))))


def fold(text):
    return " ".join(text.split())


def normalise(text):
    """The spelling under which names are compared."""
    text = fold(text).lower().replace("ё", "е")
    text = re.sub("[‐‑‒–—―−]", "-", text)
    text = re.sub("[«»“”„‘’`']", '"', text)
    return text.replace(" - ", "-").replace("- ", "-").replace(" -", "-")


def xlsx(path, names=None):
    """Sheets of a workbook, by openpyxl."""
    import openpyxl
    book = openpyxl.load_workbook(CORPUS / path, data_only=True)
    out = {}
    for ws in book.worksheets:
        if names and ws.title not in names:
            continue
        cells, indent = {}, {}
        for row in ws.iter_rows():
            for c in row:
                if c.value is not None and str(c.value).strip() != "":
                    cells[c.row, c.column] = c.value
                    if c.alignment is not None and c.alignment.indent:
                        indent[c.row, c.column] = int(c.alignment.indent)
        merged = [(m.min_row, m.min_col, m.max_row, m.max_col) for m in ws.merged_cells.ranges]
        out[ws.title] = Sheet(ws.title, cells, merged, indent)
    return out


def xls(path):
    """Sheets of an old workbook, by xlrd, also where the container's sector sizes are broken."""
    import datetime

    import xlrd
    data = (CORPUS / path).read_bytes()
    with open(os.devnull, "w") as log:
        book = xlrd.open_workbook(
            file_contents=data, formatting_info=True, logfile=log,
            ignore_workbook_corruption=True)
    out = {}
    for ws in book.sheets():
        cells, indent = {}, {}
        for r in range(ws.nrows):
            for c in range(ws.row_len(r)):
                cell = ws.cell(r, c)
                if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                    continue
                value = cell.value
                if cell.ctype == xlrd.XL_CELL_TEXT and not value.strip():
                    continue
                if cell.ctype == xlrd.XL_CELL_DATE:
                    value = datetime.datetime(*xlrd.xldate_as_tuple(value, book.datemode))
                if cell.ctype == xlrd.XL_CELL_ERROR:
                    value = xlrd.error_text_from_code[value]
                cells[r + 1, c + 1] = value
                level = book.xf_list[cell.xf_index].alignment.indent_level
                if level:
                    indent[r + 1, c + 1] = level
        merged = [(a + 1, c + 1, b, d) for a, b, c, d in ws.merged_cells]
        out[ws.name] = Sheet(ws.name, cells, merged, indent)
    return out


def ods(path, names=None):
    """Sheets of an OpenDocument file, from its raw XML."""
    from lxml import etree
    ns = {
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    }
    q = lambda prefix, name: f"{{{ns[prefix]}}}{name}"
    root = etree.fromstring(
        zipfile.ZipFile(CORPUS / path).read("content.xml"), etree.XMLParser(huge_tree=True))
    spreadsheet = root.find(".//" + q("office", "spreadsheet"))

    def paragraph(p):
        out = p.text or ""
        for child in p:
            if child.tag == q("text", "s"):
                out += " " * int(child.get(q("text", "c"), "1"))
            elif child.tag in (q("text", "line-break"), q("text", "tab")):
                out += " "
            elif child.tag != q("office", "annotation"):
                out += paragraph(child)
            out += child.tail or ""
        return out

    out = {}
    for table in spreadsheet.findall(q("table", "table")):
        name = table.get(q("table", "name"))
        # Copies of linked files stand among the sheets.
        if name.startswith("'file:") or names and name not in names:
            continue
        cells, merged, r = {}, [], 0
        for row in table.iter(q("table", "table-row")):
            repeat = int(row.get(q("table", "number-rows-repeated"), "1"))
            c, line = 0, []
            for cell in row:
                if cell.tag not in (q("table", "table-cell"), q("table", "covered-table-cell")):
                    continue
                times = int(cell.get(q("table", "number-columns-repeated"), "1"))
                kind = cell.get(q("office", "value-type"))
                texts = "\n".join(paragraph(p) for p in cell.findall(q("text", "p")))
                value = None
                if kind in ("float", "percentage", "currency"):
                    value = float(cell.get(q("office", "value")))
                elif kind == "date":
                    value = cell.get(q("office", "date-value"))
                elif texts.strip():
                    value = texts
                if value is not None and cell.tag == q("table", "table-cell"):
                    for i in range(min(times, 2000)):
                        line.append((c + i + 1, value))
                    rows = int(cell.get(q("table", "number-rows-spanned"), "1"))
                    columns = int(cell.get(q("table", "number-columns-spanned"), "1"))
                    if rows > 1 or columns > 1:
                        merged.append((r + 1, c + 1, r + rows, c + columns))
                c += times
            for i in range(repeat if line else 0):
                for column, value in line:
                    cells[r + i + 1, column] = value
            r += repeat
        out[name] = Sheet(name, cells, merged)
    return out


def text_table(path, separator=",", encoding="utf-8-sig"):
    """Records of a text file, each with the line it starts on."""
    with open(CORPUS / path, encoding=encoding, newline="") as file:
        reader, before = csv.reader(file, delimiter=separator), 0
        for record in reader:
            if record:
                yield before + 1, record
            before = reader.line_num


# Codes ---------------------------------------------------------------------------------------

class Areas:
    """The code list of areas. A name of several rows is decided by the period."""

    def __init__(self, country, by=None):
        self.by_name, self.rows = {}, {}
        with open(CODELISTS / "regions" / f"{country}.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                self.rows[row["code"]] = row
                fields = [by] if by else [
                    "code", "name_en", "name_ru", "aliases", "old_code", "okato", "gss",
                    "former_codes", "oktmo", "iso_3166_2"]
                for field in fields:
                    for name in row[field].split("|"):
                        if name:
                            self.by_name.setdefault(normalise(name), set()).add(row["code"])

    def valid(self, code, period):
        row = self.rows[code]
        first, last = span_of(period)
        return (not row["valid_to"] or first <= row["valid_to"]) and (
            not row["valid_from"] or last >= row["valid_from"])

    def find(self, name, period=None):
        codes = self.by_name.get(normalise(name), set())
        if len(codes) > 1 and period:
            codes = {c for c in codes if self.valid(c, period)}
        if len(codes) != 1:
            raise KeyError(f"{name!r} in {period}: {sorted(codes)}")
        return next(iter(codes))


def span_of(period):
    """First and last day of a period, as text."""
    if m := re.fullmatch(r"(\d{4})", period):
        return f"{period}-01-01", f"{period}-12-31"
    if m := re.fullmatch(r"(\d{4})-(\d\d)", period):
        return f"{period}-01", f"{period}-31"
    if m := re.fullmatch(r"(\d{4})-Q(\d)", period):
        q = int(m[2])
        return f"{m[1]}-{3 * q - 2:02}-01", f"{m[1]}-{3 * q:02}-31"
    if m := re.fullmatch(r"(\d{4})-S(\d)", period):
        s = int(m[2])
        return f"{m[1]}-{6 * s - 5:02}-01", f"{m[1]}-{6 * s:02}-31"
    if m := re.fullmatch(r"(\d{4}-\d\d-\d\d)", period):
        return period, period
    if m := re.fullmatch(r"(\d{4})-(\d\d)-01/P(\d+)M", period):
        return f"{m[1]}-{m[2]}-01", f"{m[1]}-{int(m[2]) + int(m[3]) - 1:02}-31"
    if m := re.fullmatch(r"(\d{4})-(\d\d)-01/P1Y", period):
        return f"{m[1]}-{m[2]}-01", f"{int(m[1]) + 1}-{m[2]}-01"
    raise ValueError(period)


MONTHS = ["январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь",
          "октябрь", "ноябрь", "декабрь"]


# Output --------------------------------------------------------------------------------------

def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Expected:
    """The observations of one file, and what is to be said of it."""

    def __init__(self, file, derived_by, left_out=None):
        self.file, self.derived_by, self.left_out = file, derived_by, left_out
        self.seen, self.spots, self.problems, self.dates = {}, [], [], {}

    def add(self, indicator, area, period, value, cell, sheet=None, status=None, care_form="_T"):
        key = (indicator, area, period, care_form)
        if key in self.seen:
            raise ValueError(f"second figure for {key}: {sheet} {cell}, {self.seen[key]}")
        if value is not None:
            self.dates.setdefault((sheet, area), set()).add(period)
        status = status or "A"
        self.seen[key] = (value, status, sheet, cell)
        return key

    def spot(self, indicator, area, period, care_form="_T"):
        self.spots.append((indicator, area, period, care_form))

    def spot_cell(self, cell, sheet=None):
        found = [k for k, v in self.seen.items() if v[3] == cell and v[2] == sheet]
        if not found:
            raise KeyError(f"{sheet} {cell} is no figure")
        self.spots.extend(found)

    def outside_validity(self, areas):
        """Expects a warning for each area of each sheet with figures from when it was not in force."""
        outside = [
            key for key, periods in self.dates.items()
            if any(not areas.valid(key[1], period) for period in periods)]
        if outside:
            self.problem("warning", "lie outside its validity", len(outside))

    def problem(self, severity, text, count):
        self.problems.append((severity, text, count))

    def print(self):
        """The expected file; with `--rows`, each observation on a line instead."""
        if "--rows" in sys.argv:
            for key, (value, status, sheet, cell) in self.seen.items():
                shown = "" if value is None else repr(float(value))
                print(*key, shown, status, sheet or "", cell, sep="\t")
            return
        out = []
        values = [v[0] for v in self.seen.values() if v[0] is not None]
        out.append(f"file = {quoted(self.file)}")
        out.append(f"derived_by = {quoted(self.derived_by)}")
        if self.left_out:
            out.append(f"left_out = {quoted(self.left_out)}")
        out.append(f"observations = {len(self.seen)}")
        out.append(f"sum = {number(math.fsum(values))}")
        out.append(f"areas = {len({k[1] for k in self.seen})}")
        out.append(f"periods = {len({k[2] for k in self.seen})}")
        out.append(f"indicators = {len({k[0] for k in self.seen})}")
        out.append("\n[statuses]")
        for status, count in sorted(Counter(v[1] for v in self.seen.values()).items()):
            out.append(f"{status} = {count}")
        for key in self.spots:
            value, status, sheet, cell = self.seen[key]
            out.append("\n[[spot]]")
            out.append(f"indicator = {quoted(key[0])}")
            out.append(f"ref_area = {quoted(key[1])}")
            out.append(f"time_period = {quoted(key[2])}")
            if key[3] != "_T":
                out.append(f"care_form = {quoted(key[3])}")
            if value is not None:
                out.append(f"value = {number(value)}")
            if status != "A":
                out.append(f"status = {quoted(status)}")
            if sheet is not None:
                out.append(f"sheet = {quoted(sheet)}")
            if cell:
                out.append(f"cell = {quoted(cell)}")
        for severity, text, count in self.problems:
            out.append("\n[[problem]]")
            out.append(f"severity = {quoted(severity)}")
            out.append(f"text = {quoted(text)}")
            out.append(f"count = {count}")
        print("\n".join(out))


def education_statistics(file, marks, indicators, left_out=None):
    """Prints what a file of explore-education-statistics holds: a row for each area and year.

    `indicators` gives the columns of figures with their indicators, for a header and a row.
    """
    areas = Areas("england")
    out = Expected(
        file, "Python's csv; the code of the authority, else of the region, else of the country",
        left_out)
    records = list(text_table(file))
    header = records[0][1]
    for line, record in records[1:]:
        row = dict(zip(header, record, strict=True))
        code = row["new_la_code"] or row["region_code"] or row["country_code"]
        area = areas.find(code, row["time_period"])
        for field, indicator in indicators(header, row):
            text, cell = row[field], f"R{line}C{header.index(field) + 1}"
            status = marks.get(text)
            out.add(indicator, area, row["time_period"], None if status else float(text), cell,
                    status=status)
    keys = list(out.seen)
    out.spots.extend([keys[0], keys[-1], keys[len(keys) // 2], keys[len(keys) // 3]])
    for status in sorted({v[1] for v in out.seen.values()} - {"A"}):
        marked = [k for k, v in out.seen.items() if v[1] == status]
        out.spots.extend([marked[0], marked[-1]])
    out.outside_validity(areas)
    out.print()


def number(value):
    """A TOML float that reads back as the same number."""
    return repr(float(value))


def cells_of(file, by, read=None):
    """Prints, for a file without figures, what the reader has to find in it."""
    print(f"file = {quoted(file)}")
    print(f"derived_by = {quoted(by + ': all cells that are not empty')}")
    if read:
        sheets = list(read(file).values())
    else:
        cells = {(line, column): text for line, record in text_table(file)
                 for column, text in enumerate(record, 1) if text.strip()}
        sheets = [Sheet(None, cells)]
    for sheet in sheets:
        numbers = [v for v in sheet.cells.values() if isinstance(v, (int, float))]
        print("\n[[sheet]]")
        if sheet.name:
            print(f"name = {quoted(sheet.name)}")
        print(f"cells = {len(sheet.cells)}")
        print(f"numbers = {len(numbers)}")
        print(f"sum = {number(math.fsum(numbers))}")
        print(f"merged = {len(sheet.merged)}")
        last = max(sheet.cells)
        print(f"last = {quoted(a1(*last) if sheet.name else f'R{last[0]}C{last[1]}')}")
        print(f"last_text = {quoted(sheet.text(*last))}")
