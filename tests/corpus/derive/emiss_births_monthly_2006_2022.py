"""Births by area and month; 1,569 of the figures end in `,99` and are meant to be whole."""

from common import MONTHS, Areas, Expected, text_table

FILE = "russia/emiss_births_monthly_2006_2022.csv"
# The same name stands twice, the composition until 2018-11-02 first.
TWICE = {
    "Сибирский федеральный округ": ["RU-X-SIFD-2000", "RU-X-SIFD"],
    "Дальневосточный федеральный округ": ["RU-X-FEFD-2000", "RU-X-FEFD"],
}

areas = Areas("russia")
out = Expected(FILE, "Python's csv with `;`, each field by its line and column")
records = list(text_table(FILE, ";"))
header = records[0][1]
periods = []
for label in header[1:]:
    if label:
        month, year, _ = label.split()
        periods.append(f"{year}-{MONTHS.index(month) + 1:02}")
seen, fractions = {}, []
for line, record in records[1:]:
    name = record[0]
    nth = seen[name] = seen.get(name, -1) + 1
    for column, period in enumerate(periods, 2):
        area = TWICE[name][nth] if name in TWICE else areas.find(name, period)
        text, cell = record[column - 1], f"R{line}C{column}"
        value = float(text.replace(",", ".")) if text else None
        out.add("births", area, period, value, cell, status=None if text else "O")
        if "," in text:
            assert text.endswith(",99")
            fractions.append(cell)
assert set(seen.values()) <= {0, 1} and {n for n, v in seen.items() if v} == set(TWICE)

for cell in ["R2C2", "R2C3", "R3C2", "R35C49", "R36C50", "R78C161", "R79C161", "R94C2", "R95C198",
             "R40C50", "R108C111", "R110C62", "R110C2", "R107C198"]:
    out.spot_cell(cell)
out.outside_validity(areas)
out.problem("warning", f"{len(fractions)} figure(s) with more than 0 decimals", 1)
out.print()
