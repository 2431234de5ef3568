"""Insurance of the country, 2007 to 2024: six tables."""

import re

from common import Expected, a1, xlsx

FILE = "russia/rosstat_insurance_2024.xlsx"
TABLES = {"1.1.": ("insurers", 4), "1.2.": ("premiums", 4), "1.4": ("claims", 5),
          "1.6": ("results", 5), "1.8": ("market", 4), "1.9": ("health_insurance", 4)}
# Labels that stand twice or more, and what each is in its turn.
TURNS = {
    "из них по договорам с нерезидентами": ["премии от нерезидентов", "выплаты нерезидентам"],
    "из нее просроченная": ["просроченная дебиторская", "просроченная кредиторская"],
    "без учета обязательного медицинского страхования": [
        "премии к ВВП без ОМС", "премия на душу без ОМС", "капиталоотдача без ОМС",
        "выплаты без ОМС"],
    "в том числе: личное страхование": [
        "добровольное личное страхование", "обязательное личное страхование"],
    "имущественное страхование": [
        "добровольное имущественное страхование", "обязательное имущественное страхование"],
    "медицинское": ["добровольное медицинское", "обязательное медицинское"],
}

out = Expected(
    FILE, "openpyxl: filled cells right of a label; a label merged over two rows names both",
    "sheets 1.3, 1.5 and 1.7 are charts without cells")
refused = []
for name, (prefix, header) in TABLES.items():
    sheet = xlsx(FILE, [name])[name]
    merged = {m[0] + 1: m[0] for m in sheet.merged if m[1] == 1 == m[3] and m[2] == m[0] + 1}
    turn = {}
    for row in range(header + 1, sheet.rows + 1):
        top = merged.get(row, row)
        label = re.sub(r" ?\d\)$", "", sheet.text(top, 1))
        if top == row and label in TURNS and prefix != "health_insurance":
            turn[label] = turn.get(label, -1) + 1
        filled = [c for c in range(2, 20) if sheet[row, c] is not None]
        if not filled:
            continue
        said = TURNS[label][turn[label]] if label in turn else label
        if (name, said) == ("1.4", "в том числе страхование:"):
            said = "имущества юридических лиц"
        assert said, (name, row)
        for column in filled:
            value, cell = sheet[row, column], a1(row, column)
            period = re.match(r"\d{4}", sheet.text(header, column))[0]
            known = None
            if value not in ("-", "…"):
                try:
                    known = float(str(value).strip().replace(",", "."))
                except ValueError:
                    refused.append(value)
                    continue
            out.add(f"{prefix} / {said}", "RU", period, known, cell, name,
                    None if known is not None else "O")
assert refused == ["135450, 0"], refused
for sheet, cell in [("1.1.", "B5"), ("1.1.", "S24"), ("1.1.", "B6"), ("1.1.", "C22"), ("1.2.", "K7"),
                    ("1.2.", "S24"), ("1.4", "F13"), ("1.6", "B14"), ("1.8", "G5"),
                    ("1.8", "S12"), ("1.9", "D5")]:
    out.spot_cell(cell, sheet)
out.problem("error", "a text where a number is due: `135450, 0`", 1)
out.print()
