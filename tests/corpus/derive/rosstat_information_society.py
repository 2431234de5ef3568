"""Indicators of the information society of the country, 2010 to 2025."""

import re

from common import Expected, a1, xlsx

FILE = "russia/rosstat_information_society.xlsx"
# It stands three times under one number.
THRICE = "из них на скорости 256 Кбит /сек и выше"
NONE = ("…", "...", "-", " -")

out = Expected(
    FILE, "openpyxl: rows with a name, columns D to S; the number of the row or the last above it "
    "goes before the name; note marks such as `8)` are no part of names, years and figures")
name = "Данные по РФ"
sheet = xlsx(FILE)[name]


def bare(text):
    return re.sub(r"[ ,]*(\d\)[ ,]*)+$", "", text)


nr, refused, turn = None, [], 0
for row in range(4, 238):
    if re.fullmatch(r"\d+(\.\d+)+", sheet.text(row, 1)):
        nr = sheet.text(row, 1)
    label = bare(sheet.text(row, 2))
    turn += label == THRICE
    indicator = f"{nr} / {label}" + (f" ({turn})" if label == THRICE else "")
    for column in range(4, 20):
        value, cell = sheet[row, column], a1(row, column)
        if value is None:
            continue
        assert label, cell
        period = re.match(r"\d{4}", sheet.text(3, column))[0]
        known = None
        if value not in NONE:
            try:
                known = float(bare(str(value)))
            except ValueError:
                refused.append((cell, value))
                continue
        out.add(indicator, "RU", period, known, cell, name,
                None if known is not None else "O")
assert [v for _, v in refused] == ["4,2", "20204, 4"] or [v for _, v in refused] == [
    "20204, 4", "4,2"], refused
for cell in ["D7", "E9", "D48", "H49", "D84", "E100", "F66"]:
    if any(v[3] == cell for v in out.seen.values()):
        out.spot_cell(cell, name)
cells = [v[3] for v in out.seen.values()]
out.spot_cell(cells[-1], name)
for cell, value in refused:
    out.problem("error", f"a text where a number is due: `{value}`", 1)
out.print()
