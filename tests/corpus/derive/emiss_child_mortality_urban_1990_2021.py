"""Deaths in the first year of life, towns, by area and year; districts are carried back to 1990."""

from common import Areas, Expected, a1, xls

FILE = "russia/emiss_child_mortality_urban_1990_2021.xls"
# The same name stands twice, the composition until 2018-11-02 first.
TWICE = {
    "Сибирский федеральный округ": ["RU-X-SIFD-2000", "RU-X-SIFD"],
    "Дальневосточный федеральный округ": ["RU-X-FEFD-2000", "RU-X-FEFD"],
}
# The year of a merger has both the okrug and the part of the merged subject: the label says the part.
PARTS = {
    "Коми-Пермяцкий округ, входящий в состав Пермского края": "RU-PER-X-KOP",
    "Корякский округ, входящий в состав Камчатского края": "RU-KAM-X-KOR",
    "Агинский Бурятский округ (Забайкальский край)": "RU-ZAB-X-AGB",
}

areas = Areas("russia")
out = Expected(FILE, "xlrd: rows 4 to 122, columns D to AI; empty cells are no value")
name, seen = "Данные", {}
sheet = xls(FILE)[name]
for row in range(4, sheet.rows + 1):
    label = sheet.text(row, 1)
    assert (sheet.text(row, 2), sheet.text(row, 3)) == ("Оба пола", "городское население")
    nth = seen[label] = seen.get(label, -1) + 1
    for column in range(4, 36):
        period = sheet.text(3, column)
        area = (TWICE[label][nth] if label in TWICE
                else PARTS.get(label) or areas.find(label, period))
        value = sheet[row, column]
        out.add("infant_deaths_urban", area, period, value, a1(row, column), name,
                None if value is not None else "O")
for cell in ["D4", "AI4", "D37", "D38", "AI39", "D80", "AI81", "AI95", "D110", "D115", "AI122",
             "D48"]:
    out.spot_cell(cell, name)
out.outside_validity(areas)
out.print()
