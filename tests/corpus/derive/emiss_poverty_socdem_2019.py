"""The poor by social group and area, percent, 2019; a 0.0 there is no value."""

from common import Areas, Expected, a1, xls

FILE = "russia/emiss_poverty_socdem_2019.xls"
GROUPS = ["poor_all", "poor_children_under_16", "poor_above_working_age", "poor_working_age"]

areas = Areas("russia")
out = Expected(FILE, "xlrd: rows 4 to 91, columns B to E; `0` counts as no value")
name = "Данные"
sheet = xls(FILE)[name]
assert "(2019, процент" in sheet.text(1, 1)
for row in range(4, sheet.rows + 1):
    for column, group in enumerate(GROUPS, 2):
        value = sheet[row, column]
        known = value != 0.0
        out.add(group, areas.find(sheet.text(row, 1), "2019"), "2019", value if known else None,
                a1(row, column), name, None if known else "O")
for cell in ["B4", "E4", "C5", "D30", "C26", "E27", "C71", "E91"]:
    out.spot_cell(cell, name)
out.print()
