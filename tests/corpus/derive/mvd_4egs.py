"""Form 4-EGS, part 4: crimes of minors and others by area, cumulated since January."""

from common import Areas, Expected, a1, xls

# Their okrugs stand beside them: these rows are without them.
WITHOUT_OKRUGS = {
    "Архангельская область": "RU-ARK-X-EXCL-NEN",
    "Тюменская область": "RU-TYU-X-EXCL-KHM-YAN",
}


def derive(file, period, said, districts):
    """Prints what the form of one month holds; the districts are as they were at its end."""
    meant = {**WITHOUT_OKRUGS, **districts}
    areas = Areas("russia")
    out = Expected(
        file, "xlrd on the workbook stream: five sheets, 94 areas, ten columns; the nine rows of the "
        "transport police are left out", "transport police: 9 rows on each of five sheets, 450 figures")
    ignored = 0
    for name, sheet in xls(file).items():
        assert said in sheet.text(7, 3), sheet.text(7, 3)
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
                area = meant.get(label) or areas.find(label, period)
                out.add(f"{measure} / {heading}", area, period, value, a1(row, column), name)
    assert ignored == 450
    for sheet, cell in [("Строка 1", "C13"), ("Строка 1", "C34"), ("Строка 1", "C80"),
                        ("Строка 2", "L13"), ("Строка 3", "E53"), ("Строка 4", "J97"),
                        ("Строка 5", "K41"), ("Строка 5", "I106")]:
        out.spot_cell(cell, sheet)
    out.outside_validity(areas)
    out.problem("note", "90 figure(s) are left out", 5)
    out.problem("note", f"{len(out.seen)} cumulated figure(s) have none of the month or quarter before", 1)
    out.print()
