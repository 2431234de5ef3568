"""Crimes of minors and others by area, cumulated since January; form 4-EGS, part 4."""

from common import Areas, Expected, a1, fold, xls

FILE = "russia/mvd_4egs_2018_12.xls"
PERIOD = "2018"
SAID = "январь - декабрь 2018 года"
# Their okrugs stand beside them: these rows are without them. The districts are as they were at
# the end of the months.
MEANT = {
    "Архангельская область": "RU-ARK-X-EXCL-NEN",
    "Тюменская область": "RU-TYU-X-EXCL-KHM-YAN",
    "Сибирский федеральный округ": "RU-X-SIFD",
    "Дальневосточный федеральный округ": "RU-X-FEFD",
}

areas = Areas("russia")
out = Expected(
    FILE, "xlrd on the workbook stream: five sheets, 94 areas, ten columns; the nine rows of the "
    "transport police are left out", "transport police: 9 rows on each of five sheets, 450 figures")
ignored = 0
for name, sheet in xls(FILE).items():
    assert SAID in sheet.text(7, 3), sheet.text(7, 3)
    measure = sheet.text(6, 3)
    assert [sheet.text(6, c) for c in range(4, 13)] == ["Неверное имя среза"] * 9
    columns = [sheet.text(11, c) or sheet.text(10, c) for c in range(3, 13)]
    for row in range(13, 116):
        label = sheet.text(row, 2)
        for column, heading in enumerate(columns, 3):
            value = sheet[row, column]
            assert isinstance(value, float) and value == int(value)
            if "МВД" in label or label == "Транспорт России":
                ignored += 1
                continue
            area = MEANT.get(label) or areas.find(label, PERIOD)
            out.add(f"{measure} / {heading}", area, PERIOD, value, a1(row, column), name)
assert ignored == 450
for sheet, cell in [("Строка 1", "C13"), ("Строка 1", "C34"), ("Строка 1", "C80"),
                    ("Строка 2", "L13"), ("Строка 3", "E53"), ("Строка 4", "J97"),
                    ("Строка 5", "K41"), ("Строка 5", "I106")]:
    out.spot_cell(cell, sheet)
out.outside_validity(areas)
out.problem("note", "90 figure(s) are left out", 5)
out.problem("note", f"{len(out.seen)} cumulated figure(s) have no figure of the month before", 1)
out.print()
