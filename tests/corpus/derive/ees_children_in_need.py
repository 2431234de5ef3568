"""Children in need, 2013 to 2025: eight columns of figures."""

from common import Areas, Expected, text_table

FILE = "england/ees_children_in_need.csv"
MARKS = {"c": "Q", "x": "O", "u": "U"}

areas = Areas("england")
out = Expected(FILE, "Python's csv; the code of the authority, else of the region, else of the country")
records = list(text_table(FILE))
header = records[0][1]
for line, record in records[1:]:
    row = dict(zip(header, record, strict=True))
    code = row["new_la_code"] or row["region_code"] or row["country_code"]
    area = areas.find(code, row["time_period"])
    for field, indicator in [(field, field) for field in header[header.index("category") + 1:]]:
        text, cell = row[field], f"R{line}C{header.index(field) + 1}"
        status = MARKS.get(text)
        out.add(indicator, area, row["time_period"], None if status else float(text), cell,
                status=status)
keys = list(out.seen)
out.spots.extend([keys[0], keys[-1], keys[len(keys) // 2], keys[len(keys) // 3]])
for status in sorted({v[1] for v in out.seen.values()} - {"A"}):
    out.spots.append(next(k for k, v in out.seen.items() if v[1] == status))
    out.spots.append([k for k, v in out.seen.items() if v[1] == status][-1])
out.outside_validity(areas)
out.print()
