"""Exports by area, cumulated by quarters, 2009 to September 2015: three sheets."""

import re

from common import Areas, Expected, a1, xlsx

FILE = "russia/rosstat_exports_2016.xlsx"
INDICATORS = {
    "Всего": "exports", "Страны дальнего зарубежья": "exports_far_abroad",
    "Государства-участники СНГ": "exports_cis"}
ENDS = {"I квартал": "{}-Q1", "I полугодие": "{}-S1", "январь-сентябрь": "{}-01-01/P9M",
        "январь-декабрь": "{}"}

areas = Areas("russia")
out = Expected(
    FILE, "openpyxl: rows 5 to 101, columns B to AB of three sheets; `...`, `-` and empty cells are "
    "no value, for no legend says that the dash is a zero")
for name, sheet in xlsx(FILE).items():
    for row in range(5, 102):
        label = re.sub(r" \d$", "", sheet.text(row, 1))
        year = None
        for column in range(2, 29):
            heading = sheet.text(3, column)
            year = heading[:4] if heading else year
            period = ENDS[sheet.text(4, column).replace("- ", "-")].format(year)
            # Without the North Caucasus and without Crimea, which have rows of their own.
            area = ("RU-X-SFD-2010" if label == "Южный федеральный округ"
                    else areas.find(label, period))
            value = sheet[row, column]
            assert value in (None, "...", "-") or isinstance(value, (int, float)), value
            known = None if value in (None, "...", "-") else float(value)
            out.add(INDICATORS[name], area, period, known, a1(row, column), name,
                    None if known is not None else "O")
for sheet, cell in [("Всего", "B5"), ("Всего", "AB5"), ("Всего", "E38"), ("Всего", "N29"),
                    ("Всего", "B30"), ("Всего", "C99"), ("Страны дальнего зарубежья", "U100"),
                    ("Государства-участники СНГ", "AA76"), ("Государства-участники СНГ", "E29")]:
    out.spot_cell(cell, sheet)
out.outside_validity(areas)
out.print()
