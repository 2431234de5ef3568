"""Fostering by authority 2017-18, and of the country and two kinds of agency 2012 to 2018."""

from common import Areas, Expected, a1, xlsx

FILE = "england/ofsted_fostering_2017_18.xlsx"

areas = Areas("england")
out = Expected(
    FILE, "openpyxl: filled cells right of a `Data` label and below an area, or a year",
    "the column `London Tri-borough`, which is no area of the list, and the sheet of additional tables")
book, ignored, stray = xlsx(FILE), 0, 0
sheet = book["LA Data 2017-18"]
topic = ""
for row in range(3, 159):
    topic = sheet.text(row, 2) or topic
    label = sheet.text(row, 3)
    for column in range(4, 178):
        value, area = sheet[row, column], sheet.text(1, column)
        if value is None or not label or not area:
            stray += value is not None
            continue
        if area == "London Tri-borough":
            ignored += 1
            continue
        assert value == ".." or not isinstance(value, str), (row, column)
        out.add(f"{topic} / {label}", areas.find(area, "2018"), "2017-04-01/P1Y",
                None if value == ".." else float(value), a1(row, column), sheet.name,
                "O" if value == ".." else None)
sheet = book["Trend Data 2012-18"]
topic = ""
for row in range(3, 160):
    topic = sheet.text(row, 2) or topic
    label, sector = sheet.text(row, 3), ""
    for column in range(4, 24):
        sector = sheet.text(1, column) or sector
        value, year = sheet[row, column], sheet.text(2, column)
        if value is None or not label or not year:
            stray += value is not None
            continue
        assert value == ".." or not isinstance(value, str), (row, column)
        out.add(f"{sector} / {topic} / {label}", "E92000001", f"{year[:4]}-04-01/P1Y",
                None if value == ".." else float(value), a1(row, column), sheet.name,
                "O" if value == ".." else None)
for sheet, cell in [("LA Data 2017-18", "D3"), ("LA Data 2017-18", "H4"),
                    ("LA Data 2017-18", "D25"), ("LA Data 2017-18", "FU157"),
                    ("Trend Data 2012-18", "D3"), ("Trend Data 2012-18", "D4"),
                    ("Trend Data 2012-18", "P158"), ("Trend Data 2012-18", "W6")]:
    out.spot_cell(cell, sheet)
out.spots.append(next(k for k, v in out.seen.items() if v[1] == "O"))
# D57 and AR94 of the one sheet and Q52 to Q57 of the other stand under no heading, or in no row.
assert stray == 8, stray
out.problem("note", f"{ignored} figure(s) are left out", 1)
out.problem("note", "stand among the figures without a label", 2)
out.print()
