"""Socially oriented NGOs: five tables by area and five of the country, 2012 to 2024."""

import re

from common import Areas, Expected, a1, xlsx

FILE = "russia/rosstat_sonko_2012_2024.xlsx"
AREAS = {"1.1.": "ngo_count", "1.1.1.": "ngo_with_premises", "1.2.": "ngo_receipts",
         "1.3.": "ngo_employees", "1.4": "ngo_volunteers"}
MEANT = {
    "Южный федеральный округ": "RU-X-SFD",
    "Сибирский федеральный округ": "RU-X-SIFD",
    "Дальневосточный федеральный округ": "RU-X-FEFD",
}
COUNTRY = ["2.", "3.", "4.", "5.", "6."]

areas = Areas("russia")
out = Expected(
    FILE, "openpyxl: the rows of the ten tables that hold a figure or a dash, columns B to N; the "
    "superscript `1)` of 2022 to 2024 is no part of the year")
for name, sheet in xlsx(FILE).items():
    if name == "Содержание":
        continue
    for row in range(5, sheet.rows + 1):
        label = sheet.text(row, 1)
        values = [sheet[row, column] for column in range(2, 15)]
        if all(value is None for value in values):
            continue
        for column, value in enumerate(values, 2):
            period = re.fullmatch(r"(\d{4})(\d\))?", sheet.text(4, column))[1]
            known = float(value) if not isinstance(value, str) and value is not None else None
            if value is None and name in COUNTRY:
                continue
            assert known is not None or value == " - ", value
            if name in AREAS:
                key = AREAS[name], MEANT.get(label) or areas.find(label, period)
            else:
                key = f"{name} / {label}", "RU"
            out.add(*key, period, known, a1(row, column), name,
                    None if known is not None else "O")
for sheet, cell in [("1.1.", "B5"), ("1.1.", "N5"), ("1.1.1.", "B42"), ("1.2.", "N102"),
                    ("1.3.", "E47"), ("1.4", "M77"), ("2.", "L7"), ("3.", "N5"), ("4.", "B5")]:
    out.spot_cell(cell, sheet)
out.outside_validity(areas)
out.print()
