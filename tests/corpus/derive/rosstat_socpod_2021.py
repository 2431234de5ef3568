"""Social support of orphans: the row of each of the three tables on each of 96 sheets."""

import csv

from common import CORPUS, Areas, Expected, a1, xlsx

FILE = "russia/rosstat_socpod_2021.xlsx"
ORPHANS = "дети-сироты и дети, оставшиеся без попечения родителей"
TABLES = {"Таблица 1": "all", "Таблица 2": "in_kind", "Таблица 3": "in_money"}
COLUMNS = [
    "cash", "housing_costs", "housing", "fuel", "telephone", "city_transport", "long_transport",
    "medicine", "food", "sanatorium", "other"]

areas = Areas("russia")
out = Expected(
    FILE,
    "openpyxl: the one row per table that reads `дети-сироты …`; its first seven columns agree with "
    "the key beside the file, all 288 rows of it")
key = {}
with open(CORPUS / "russia/rosstat_socpod_2021.orphan_rows.expected.csv", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        key[row["sheet"], row["table"]] = [row[f"c{i}"] for i in range(1, 8)]

rows = 0
for name, sheet in xlsx(FILE).items():
    if name == "Содержание":
        continue
    # A sheet's name has 31 characters at most; this one is cut short.
    area = areas.find(name.replace("федеральный окр", "федеральный округ")
                      if name.endswith(" окр") and "федер" in name else name, "2021")
    found = sheet.find(ORPHANS)
    for (top, _), (row, _) in zip(sheet.find("Таблица", starts=True), found, strict=True):
        title = sheet.text(top, 1)
        assert "(январь-декабрь 2021)" in sheet.text(top + 2, 1)
        first = 1 if title == "Таблица 2" else 0
        figures = [sheet[row, column] for column in range(2, 14 - first)]
        given = key[name, title]
        assert [None if g == "" else float(g) for g in given] == figures[:7], (name, title)
        rows += 1
        for column, (what, value) in enumerate(
                zip(["total"] + COLUMNS[first:], figures, strict=True), 2):
            out.add(f"orphan_support_{TABLES[title]}_{what}", area, "2021", value, a1(row, column),
                    name, None if value is not None else "O")
assert rows == len(key) == 288
out.spot_cell("B50", "Российская Федерация")
out.spot_cell("C101", "Российская Федерация")
out.spot_cell("D156", "Центральный федеральный округ")
out.spot_cell("B50", "Дальневосточный федеральный окр")
out.spot_cell("B50", "Ханты-Мансийский автономный окр")
out.spot_cell("B156", "Тюменская обл.(без авт.округов)")
out.spot_cell("B50", "Чукотский автономный округ")
out.spot_cell("L101", "Белгородская область")
out.spot_cell("M156", "г. Севастополь")
out.print()
