"""Share of people below the subsistence minimum by area and year; a 0.0 there is no value."""

from common import Areas, Expected, text_table

FILE = "russia/emiss_poverty_1992_2020.csv"

# One row each, without and with Buryatia and Zabaykalsky krai: as they are since 2018-11-03.
MEANT = {
    "Сибирский федеральный округ": "RU-X-SIFD", "Дальневосточный федеральный округ": "RU-X-FEFD"}

areas = Areas("russia")
out = Expected(FILE, "Python's csv, each line by itself; `0.0` counts as no value")
levels = {}
for line, (name, year, value) in list(text_table(FILE))[1:]:
    levels.setdefault(len(name) - len(name.lstrip()), set()).add(name.strip())
    known = value != "0.0"
    out.add("poverty", MEANT.get(name.strip()) or areas.find(name.strip(), year), year,
            float(value) if known else None, f"R{line}C3", status=None if known else "O")
assert {k: len(v) for k, v in levels.items()} == {0: 1, 4: 10, 8: 82, 12: 5}, {
    k: len(v) for k, v in levels.items()}
cells = [v[3] for v in out.seen.values()]
for cell in ["R2C3", "R30C3", cells[-1], cells[len(cells) // 2]]:
    out.spot_cell(cell)
zeros = [v[3] for v in out.seen.values() if v[0] is None]
for cell in [zeros[0], zeros[-1]]:
    out.spot_cell(cell)
for code in ["RU-NEN", "RU-ARK-X-EXCL-NEN", "RU-TYU-X-EXCL-KHM-YAN", "RU-X-CRIMEA"]:
    found = [k for k in out.seen if k[1] == code]
    out.spots.append(found[-1])
out.outside_validity(areas)
out.print()
