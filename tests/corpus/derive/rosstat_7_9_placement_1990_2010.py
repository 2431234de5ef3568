"""Children found without parental care and where they were placed: six rows, nine years."""

from common import Expected, fold, text_table

FILE = "russia/rosstat_7_9_placement_1990_2010.csv"

out = Expected(FILE, "Python's csv: six rows by nine years; `…` is no value")
records = list(text_table(FILE))
for line, record in records[1:]:
    for column, period in enumerate(records[0][1][1:], 2):
        text = record[column - 1]
        out.add(fold(record[0]), "RU", period, None if text == "…" else float(text),
                f"R{line}C{column}", status="O" if text == "…" else None)
for cell in ["R2C2", "R2C10", "R5C2", "R5C3", "R7C6", "R6C10"]:
    out.spot_cell(cell)
out.print()
