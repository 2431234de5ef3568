"""Children looked after by authority, 2014 to 2018: six sheets."""

from common import Areas, Expected, a1, ods

FILE = "england/sfr_cla_2018_la_tables.ods"
# The row of the years, the column of the names, and the first column of each group of five years.
SHEETS = {
    "LAA1": (8, 3, {4: "cla_31_march", 10: "cla_31_march_rate"}),
    "LAA4": (8, 3, {5: "cla_uasc_31_march"}),
    "LAB1_": (11, 3, {5: "cla_during_year", 11: "cla_short_term_only"}),
    "LAC1": (9, 4, {5: "cla_starting"}),
    "LAD1": (8, 3, {4: "cla_ceasing"}),
    "LAE1": (9, 3, {12: "cla_adopted", 18: "cla_adopted_share"}),
}

areas = Areas("england")
out = Expected(
    FILE, "the raw XML of six sheets: 164 named rows by five years a group",
    "the sheets LAF2a to LAG1, and on LAE1 the 820 figures that repeat LAD1")
for name, sheet in ods(FILE, list(SHEETS)).items():
    top, names, groups = SHEETS[name]
    rows = 0
    for row in range(top + 1, sheet.rows + 1):
        label = sheet.text(row, names)
        if not label:
            continue
        rows += 1
        for first, indicator in groups.items():
            for column in range(first, first + 5):
                period, value = sheet.text(top, column), sheet[row, column]
                status = {"x": "Q", ".": "M"}.get(value) if isinstance(value, str) else "A"
                assert status, value
                out.add(indicator, areas.find(label, period), period,
                        value if status == "A" else None, a1(row, column), name, status)
    assert rows == 164, (name, rows)
for sheet, cell in [("LAA1", "D10"), ("LAA1", "N10"), ("LAA1", "N183"), ("LAA1", "D173"),
                    ("LAA4", "I11"), ("LAB1_", "K15"), ("LAC1", "E12"), ("LAD1", "H10"),
                    ("LAE1", "V12"), ("LAE1", "L15")]:
    out.spot_cell(cell, sheet)
for status in "QM":
    out.spots.append(next(k for k, v in out.seen.items() if v[1] == status))
out.problem("note", "820 figure(s) are left out", 1)
out.print()
