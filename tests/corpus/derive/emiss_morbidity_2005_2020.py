"""First diagnoses per 100,000 by area, class of disease and age, 2005 to 2016."""

from common import Areas, Expected, a1, xls

FILE = "russia/emiss_morbidity_2005_2020.xls"

areas = Areas("russia")
out = Expected(
    FILE,
    "xlrd: rows 4 to 8162, columns D to O (the file says 2020 and ends in 2016); only filled cells: "
    "eleven subjects stand twice, under the old and the new district, never both for one year")
name = "Данные"
sheet = xls(FILE)[name]
for row in range(4, sheet.rows + 1):
    label, indicator = sheet.text(row, 1), f"{sheet.text(row, 2)} / {sheet.text(row, 3)}"
    for column in range(4, 16):
        value = sheet[row, column]
        if value is not None:
            period = sheet.text(3, column)
            out.add(indicator, areas.find(label, period), period, value, a1(row, column), name)
for cell in ["D4", "O7", "D2556", "M3123", "D2409"]:
    if any(v[3] == cell for v in out.seen.values()):
        out.spot_cell(cell, name)
last = [v[3] for v in out.seen.values()]
out.spot_cell(last[-1], name)
out.spot_cell(last[len(last) // 2], name)
out.outside_validity(areas)
out.print()
