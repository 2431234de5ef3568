"""Providers and their judgements, England, 2012 to 2023: three sheets of time series."""

import re

from common import Expected, a1, ods

FILE = "england/ofsted_2023_underlying.ods"
SHEETS = ["Providers+places_Time_series", "Latest_OE_31_Mar_Time_Series", "In_Year_Time_series"]
TEXT_DATES = {"31-Mar-15 [Note 3]": "2015-03-31", "31-Mar-14 [Note 2]": "2014-03-31",
              "31-Mar-12 [Note 1]": "2012-03-31"}

out = Expected(
    FILE, "the raw XML of three sheets: filled cells below each table's row of headings",
    "the registers of providers (text and register numbers), and the grades of authorities (text)")
for name, sheet in ods(FILE, SHEETS).items():
    heads, table = {}, ""
    for row in range(3, sheet.rows + 1):
        first = sheet.text(row, 1)
        if m := re.match(r"Table (\d+[a-z]): ", first):
            table, heads = m[1], {}
        elif first in ("Date", "Period as at", "Period"):
            heads = {c: sheet.text(row, c) for c in range(2, sheet.columns + 1)
                     if sheet.text(row, c) and sheet.text(row, c) != "Data type"}
        elif heads:
            for column, head in heads.items():
                value = sheet[row, column]
                if value is None:
                    continue
                if m := re.fullmatch(r"(\d{4})-\d\d", first):
                    period = f"{m[1]}-04-01/P1Y"
                else:
                    period = TEXT_DATES.get(first) or first[:10]
                what = sheet.text(row, 2) if name.startswith("Prov") else table
                known = None if value == "-" else float(value)
                out.add(f"{what} / {head}", "E92000001", period, known, a1(row, column), name,
                        None if known is not None else "O")
for sheet, cell in [("Providers+places_Time_series", "C7"), ("Providers+places_Time_series", "C15"),
                    ("Providers+places_Time_series", "C33"), ("Latest_OE_31_Mar_Time_Series", "B5"),
                    ("Latest_OE_31_Mar_Time_Series", "E20"), ("In_Year_Time_series", "E66"),
                    ("In_Year_Time_series", "B7")]:
    out.spot_cell(cell, sheet)
out.spots.append(next(k for k, v in out.seen.items() if v[1] == "O"))
out.print()
