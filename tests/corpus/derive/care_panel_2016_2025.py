"""Nine measures of children in care and in need by area, 2016 to 2025."""

from common import Areas, Expected, text_table

FILE = "england/care_panel_2016_2025.csv"
MEASURES = {
    "LAC": "cla_31_march_rate", "LACnum": "cla_31_march", "LACnum_Start": "cla_starting",
    "LACceased": "cla_ceasing", "CIN": "cin_rate", "CPP_rate": "cpp_31_march_rate",
    "CPP_Num": "cpp_31_march", "No_of LAC Adopted": "cla_adopted",
    "LAC_ceased_SGO": "cla_special_guardianship"}

areas = Areas("england", "old_code")
out = Expected(FILE, "Python's csv; the area by its number, `301.0` as 301")
for line, record in list(text_table(FILE))[1:]:
    measure, _, period, _, text, number, _ = record
    assert number.endswith(".0")
    known = None if text == "-" else float(text)
    out.add(MEASURES[measure], areas.find(number[:-2], period), period, known, f"R{line}C5",
            status="O" if known is None else None)
keys = list(out.seen)
out.spots.extend([keys[0], keys[-1], keys[len(keys) // 2], keys[len(keys) // 3]])
nothing = [k for k, v in out.seen.items() if v[0] is None]
out.spots.extend([nothing[0], nothing[-1]])
out.outside_validity(areas)
out.print()
