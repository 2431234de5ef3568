"""Income a head by area and month, in roubles and against the same month of the year before."""

import csv
import re

from common import CORPUS, MONTHS, Areas, Expected, a1, normalise, xls

FILE = "russia/rosstat_income_2016_03.xls"
INDICATORS = {"рублей": "income_per_head", "к соотв. месяцу": "income_per_head_change"}

areas = Areas("russia")
out = Expected(
    FILE,
    "xlrd: rows 5 to 101, columns B to CG of both sheets; the roubles agree with the partial key "
    "beside the file")
with open(CORPUS / "russia/rosstat_income_2016_03.partial_expected.csv", encoding="utf-8") as file:
    key = list(csv.reader(file))
checked = 0
for name, sheet in xls(FILE).items():
    for row in range(5, 102):
        label = re.sub(r" \d$", "", sheet.text(row, 1))
        year = None
        for column in range(2, 86):
            heading = sheet.text(3, column)
            year = heading[:4] if heading else year
            period = f"{year}-{MONTHS.index(sheet.text(4, column)) + 1:02}"
            # The district without the North Caucasus and without Crimea, carried back to 2009.
            area = ("RU-X-SFD-2010" if label == "Южный федеральный округ"
                    else areas.find(label, period))
            value = sheet[row, column]
            assert value is None or value == "…" or isinstance(value, float)
            known = value if isinstance(value, float) else None
            out.add(INDICATORS[name], area, period, known, a1(row, column), name,
                    "A" if known is not None else "O")
            if name == "рублей":
                given = [r for r in key[1:] if r[0] == f"{period}-01"]
                if given:
                    at = [i for i, n in enumerate(key[0]) if normalise(n).replace("г. ", "г.")
                          == normalise(label).replace("авт.", "авт. ").replace("  ", " ")
                          .replace("г. ", "г.")]
                    if at:
                        text = given[0][at[0]]
                        assert (float(text) if text else None) == known, (label, period, text, known)
                        checked += 1
assert checked == 84 * 95, checked  # two names of the key are spelt otherwise
for sheet, cell in [("рублей", "B5"), ("рублей", "CG5"), ("рублей", "B51"), ("рублей", "B30"),
                    ("рублей", "CA99"), ("рублей", "B100"), ("рублей", "AX74"),
                    ("к соотв. месяцу", "CG16"), ("к соотв. месяцу", "BJ38"),
                    ("к соотв. месяцу", "CG101")]:
    out.spot_cell(cell, sheet)
out.outside_validity(areas)
out.print()
