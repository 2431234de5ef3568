"""Population on 1 January by area: the figures stand on the row below the area's code."""

from common import MONTHS, Areas, Expected, a1, xlsx

FILE = "russia/emiss_population_1999_2022.xlsx"
SECTION = "Раздел 1. Муниципальные образования субъектов Российской Федерации"

areas = Areas("russia")
out = Expected(
    FILE,
    "openpyxl: the rows that read `Раздел 1. …`; the area is the code on the row above",
    "149 rows of municipalities and settlements of Altai krai, which no code list has: their 894 "
    "figures of 2016 to 2021")
sheet = xlsx(FILE)["Отчет"]
periods = {}
for column in range(3, 27):
    month, year, _ = sheet.text(2, column).split()
    periods[column] = f"{year}-{MONTHS.index(month) + 1:02}"
left_out, rows = 0, 0
for row in range(5, sheet.rows + 1):
    if sheet.text(row, 1) != SECTION:
        left_out += sum(sheet[row, column] is not None for column in periods)
        continue
    rows += 1
    code = sheet.text(row - 1, 2)
    assert code != "00000000000"
    for column, period in periods.items():
        area = "RU-X-CRFD" if code == "039" else areas.find(code, period)
        value = sheet[row, column]
        if value is not None:
            out.add("population", area, period, value, a1(row, column), "Отчет")
assert rows == 107, rows
assert len(out.seen) + left_out == 3176, (len(out.seen), left_out)
for cell in ["C5", "Z5", "D7", "C157", "Z159", "C322", "C334", "Z344", "Z153", "S370"]:
    out.spot_cell(cell, "Отчет")
out.outside_validity(areas)
out.problem("note", f"{left_out} number(s) stand among the figures without a label", 1)
out.print()
