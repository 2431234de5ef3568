"""Income and pay by area and year: four sheets. What looks like a typo is read as it stands."""

import re

from common import Areas, Expected, a1, xlsx

FILE = "russia/rosstat_income_2015_2020.xlsx"
# Buryatia and Zabaykalsky krai stand in the Far East, Crimea in the South, for all years.
MEANT = {
    "Южный федеральный округ": "RU-X-SFD",
    "Сибирский федеральный округ": "RU-X-SIFD",
    "Дальневосточный федеральный округ": "RU-X-FEFD",
}

areas = Areas("russia")
out = Expected(
    FILE,
    "openpyxl: rows 2 to 99, columns B to G of four sheets, without the two rows `в том числе:`; "
    "`90,81)` is 90.8 with the note mark 1)")
for name, sheet in xlsx(FILE).items():
    if name == "desc":
        continue
    for row in range(2, 100):
        label = re.sub(r"\d\)$", "", sheet.text(row, 1))
        if label == "в том числе:":
            assert all(sheet[row, column] is None for column in range(2, 8))
            continue
        for column in range(2, 8):
            period, value = sheet.text(1, column), sheet[row, column]
            if value == "90,81)":
                value = 90.8
            known = None if value in (None, "…") else float(value)
            out.add(name, MEANT.get(label) or areas.find(label, period), period, known,
                    a1(row, column), name, None if known is not None else "O")
for sheet, cell in [("per_capita_cash_income", "B2"), ("per_capita_cash_income", "G99"),
                    ("per_capita_cash_income", "B3"), ("real_incomes", "B39"),
                    ("formal_wage_paid", "C28"), ("real_pay", "B36"), ("real_pay", "B44"),
                    ("real_pay", "D77")]:
    out.spot_cell(cell, sheet)
out.problem("warning", "has no note", 3)
out.outside_validity(areas)
out.print()
