"""Carry the English figures over into the files under `sources/dfe`."""

import csv
import re

from openpyxl import Workbook, load_workbook

from common import ACCESSED, ROOT, folder, marked, save_workbook, write_source
from layout import BOLD, FONT, TITLE, finish, footer, header, prose, put, put_value, titles
from ods import read_sheets

OUT = ROOT / "sources" / "dfe" / ACCESSED
CODELISTS = ROOT / "codelists"
ENGLAND = folder("OPEKA_CORPUS") / "england"
CLA_URL = (
    "https://explore-education-statistics.service.gov.uk/find-statistics/"
    "children-looked-after-in-england-including-adoptions"
)
URL_2018 = (
    "https://www.gov.uk/government/statistics/"
    "children-looked-after-in-england-including-adoption-2017-to-2018"
)
OGL = {
    "licence": "Open Government Licence v3.0",
    "licence_url": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
ATTRIBUTION = (
    "Contains public sector information licensed under the Open Government Licence v3.0."
)
NOT_OFFICIAL = (
    "This workbook is not a publication of the department: it was laid out by the opeka project,"
)

CREATED_2021 = "Created on 1 April 2021, replacing Northamptonshire County Council."
REPLACED_2021 = (
    "Northamptonshire County Council was replaced by North Northamptonshire and"
    " West Northamptonshire on 1 April 2021."
)
CREATED_2023 = "Created on 1 April 2023, replacing Cumbria County Council."
REPLACED_2023 = (
    "Cumbria County Council was replaced by Cumberland and Westmorland and Furness"
    " on 1 April 2023."
)
ROUNDED = (
    "National and regional figures are rounded to the nearest 10; local authority figures"
    " are not."
)
SYMBOLS = {
    "c": "confidential: the figure is suppressed",
    "z": "not applicable",
    "x": "not available",
}


def read(name):
    with open(ENGLAND / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def la_tables():
    rows = read("ees_cla_number_and_rate.csv")
    years = list(range(2021, 2026))
    tables = [
        ("A1 On 31 March", "Table A1: Children looked after on 31 March, by local authority",
         "Children looked after on 31 March each year"),
        ("A2 Starting", "Table A2: Children starting to be looked after in the year ending"
         " 31 March, by local authority",
         "Children starting to be looked after each year"),
        ("A3 Ceasing", "Table A3: Children ceasing to be looked after in the year ending"
         " 31 March, by local authority",
         "Children ceasing to be looked after each year"),
    ]
    area_notes = {
        "Cumberland": 3, "Westmorland and Furness": 3, "Cumbria": 4,
        "North Northamptonshire": 5, "West Northamptonshire": 5, "Northamptonshire": 6,
    }
    notes = [
        ROUNDED,
        "Rates use the mid-year population estimate of the year before.",
        CREATED_2023, REPLACED_2023, CREATED_2021, REPLACED_2021,
    ]
    source = (
        "Source: Department for Education, Children looked after in England including adoptions,"
        " reporting year 2025"
    )
    book = Workbook()
    cover = book.active
    cover.title = "Cover"
    prose(cover, [
        "Children looked after in England: numbers and rates by local authority, 2021 to 2025",
        None,
        "Publisher of the figures: Department for Education",
        "Publication: Children looked after in England including adoptions, reporting year 2025",
        f"Address: {CLA_URL}",
        f"Accessed: {ACCESSED}",
        f"Licence: Open Government Licence v3.0. {ATTRIBUTION}",
        None,
        "Contents",
        *[f"{name}: {title.split(': ', 1)[1]}" for name, title, _ in tables],
        "Notes: what the figures count, the marks, and what is left to another file",
        None,
        "How produced",
        f"{NOT_OFFICIAL} which carried every figure and mark over from the department's open-data"
        " file of numbers and rates, unchanged.",
    ])
    cover["A9"].font = cover["A15"].font = BOLD

    regional = [r for r in rows if r["geographic_level"] != "Local authority"]
    local = [r for r in rows if r["geographic_level"] == "Local authority"]

    def areas():
        """(code, LA number, name, heading) in printed order; None is a blank row."""
        yield ("E92000001", None, "England", True)
        codes = {r["region_name"]: r["region_code"] for r in regional if r["region_name"]}
        order = sorted(codes, key=lambda name: codes[name])
        place = order.index("London") + 1
        inner_outer = [n for n in order if n in ("Inner London", "Outer London")]
        order = [n for n in order if n not in inner_outer]
        order[place:place] = inner_outer
        for region in order:
            if region != "Inner London":
                yield None
            yield (codes[region], None, region, True)
            seen = {}
            for r in local:
                if r["region_name"] == region:
                    seen[r["old_la_code"]] = (r["new_la_code"], r["old_la_code"], r["la_name"])
            for area in seen.values():
                yield (*area, False)

    for name, title, measure in tables:
        figures = {}
        for r in rows:
            if r["population_type"] == measure:
                code = r["new_la_code"] or r["region_code"] or r["country_code"]
                key = (code, int(r["time_period"]))
                assert key not in figures, key
                figures[key] = (r["children_count"], r["rate_per_10000"])
        sheet = book.create_sheet(name)
        titles(sheet, title, "England, regions and local authorities, 2021 to 2025", source)
        row = header(
            sheet, ["Area code", "LA number", "Area"],
            [("Number of children", 1), ("Rate per 10,000 children aged under 18", 2)], years,
        )
        used = set()
        for area in areas():
            if area:
                code, number, label, heading = area
                font = BOLD if heading else FONT
                put(sheet, row, 1, code, font)
                put(sheet, row, 2, number, font)
                note = area_notes.get(label)
                put(sheet, row, 3, marked(label, note) if note else label, font)
                for offset, year in enumerate(years):
                    count, rate = figures[code, year]
                    used.add((code, year))
                    put_value(sheet, row, 4 + offset, count, "#,##0", font)
                    put_value(sheet, row, 4 + len(years) + offset, rate, "0", font)
            row += 1
        assert used == set(figures), "an area was left out"
        footer(sheet, row, 3 + 2 * len(years), notes, SYMBOLS)
        finish(sheet, [12, 10, 34] + [9] * 10)

    prose(book.create_sheet("Notes"), [
        "Notes",
        None,
        "Figures exclude children looked after under an agreed series of short-term placements.",
        "Starting: only the first occasion on which a child started to be looked after in the year"
        " is counted.",
        "Ceasing: only the last occasion on which a child ceased to be looked after in the year"
        " is counted.",
        "Earlier years may differ from older publications, because authorities amend what they"
        " sent.",
        None,
        "Marks",
        *[f"{mark} = {meaning}" for mark, meaning in SYMBOLS.items()],
        "k = rounds to zero (a mark of the department's that does not occur in these tables)",
        "A mark is never a zero.",
        None,
        "Left to another file",
        "The open-data file also gives the population estimate behind each rate. It equals the"
        " mid-year estimate of the year before, which stands in population_0_17_mid_year.csv;"
        " it is marked x where the authority did not exist: Cumbria 2024 and 2025,"
        " Northamptonshire 2022 to 2025, Cumberland and Westmorland and Furness 2021 to 2023,"
        " North Northamptonshire and West Northamptonshire 2021.",
    ])
    book["Notes"]["A8"].font = book["Notes"]["A14"].font = BOLD
    path = OUT / "looked_after_children_la_tables_2025.xlsx"
    save_workbook(book, path)
    write_source(
        path,
        title="Children looked after in England: numbers and rates by local authority,"
        " 2021 to 2025",
        publisher="Department for Education",
        producer="Department for Education",
        citation="Department for Education, Children looked after in England including adoptions,"
        " reporting year 2025: children looked after on 31 March, starting and ceasing, numbers"
        f" and rates per 10,000, 2021 to 2025. Accessed {ACCESSED}. {ATTRIBUTION}",
        url=CLA_URL, published="2025", **OGL,
        note="Carried over from the department's open-data file into tables by local authority;"
        " figures and marks unchanged.",
    )


def la_tables_2018():
    """Tables LAA1 and LAA4 of the 2018 edition, which were printed with their own notes."""
    years = list(range(2014, 2019))
    publication = "Children looked after in England including adoption: 2017 to 2018"
    tables = [  # sheet there, sheet here, column of the first year and number format of each group
        ("LAA1", "LAA1 On 31 March", {"numbers": (4, "#,##0"), "rates": (10, "0")}),
        ("LAA4", "LAA4 UASC", {"numbers": (5, "#,##0")}),
    ]
    printed = read_sheets(ENGLAND / "sfr_cla_2018_la_tables.ods", [t[0] for t in tables])
    book = Workbook()
    cover = book.active
    cover.title = "Cover"
    listed = []

    for there, here, groups in tables:
        cells = printed[there]
        text = {at: shown for at, (shown, _) in cells.items()}
        place = {shown.strip(): at for at, shown in text.items()}
        last_row, width = place["Source: SSDA 903"]
        title = re.sub(r": *", ": ", text[2, 1], count=1)
        listed.append((here, title.split(": ", 1)[1]))
        below = [text[at] for at in sorted(text) if at[0] > last_row]
        assert text[3, 1] == "Years ending 31 March 2014 to 2018"
        assert text[4, 1].strip() == "Coverage: England"
        notes, symbols = [], {}
        for line in below:
            if numbered := re.fullmatch(r"(\d+)\. +(.*)", line.strip()):
                notes.append(numbered[2])
                assert int(numbered[1]) == len(notes), line
            elif symbol := re.fullmatch(r"(x) +(.*)", line.strip()):
                symbols[symbol[1]] = symbol[2]
            else:
                assert line.startswith("     "), line
                notes[-1] += " " + line.strip()

        sheet = book.create_sheet(here)
        titles(
            sheet, None, "Years ending 31 March 2014 to 2018. Coverage: England."
            f" {text[6, width].strip().capitalize()}",
            f"Source: Department for Education, {publication}; SSDA 903",
        )
        put(sheet, 1, 1, marked(title, cells[2, 1][1], bold=True, size=12), TITLE)
        heads = [(label, cells[7, first][1] if len(groups) > 1 else None)
                 for label, (first, _) in groups.items()]
        for label, (first, _) in groups.items():
            assert len(groups) == 1 or text[7, first] == label
            assert [text[8, first + n] for n in range(5)] == [str(year) for year in years]
        row = top = header(sheet, ["Area code", "LA number", "Area"], heads, years)
        first_row = place["England"][0]
        taken = 0
        for line in range(first_row, last_row - 1):
            label = text.get((line, 3))
            if label:
                code, number = text.get((line, 1)), text.get((line, 2))
                assert (code is None) == (number is None), line
                font = FONT if code else BOLD
                for column, shown in enumerate((code, number, label), 1):
                    put(sheet, row, column, shown, font)
                column = 4
                for first, number_format in groups.values():
                    for offset in range(len(years)):
                        figure = text[line, first + offset]
                        assert figure.isdigit() or figure in symbols, (line, figure)
                        assert there != "LAA4" or figure not in list("12345"), (line, figure)
                        put_value(sheet, row, column, figure, number_format, font)
                        column += 1
                        taken += 1
                taken += 3 if code else 1
            row += 1
        due = [at for at in text if first_row <= at[0] < last_row]
        assert taken == len(due), (there, taken, len(due))
        assert row - top == last_row - 1 - first_row
        footer(sheet, row, 3 + len(years) * len(groups), notes, symbols)
        finish(sheet, [12, 10, 34] + [9] * len(years) * len(groups))

    prose(cover, [
        "Children looked after in England by local authority, 2014 to 2018: all children, and"
        " unaccompanied asylum-seeking children",
        None,
        "Publisher of the figures: Department for Education",
        f"Publication: {publication}, local authority tables",
        f"Address: {URL_2018}",
        f"Accessed: {ACCESSED}",
        f"Licence: Open Government Licence v3.0. {ATTRIBUTION}",
        None,
        "Contents",
        *[f"{name}: {title}" for name, title in listed],
        "Notes: zeros and marks, codes and borders, and what is left out",
        None,
        "How produced",
        f"{NOT_OFFICIAL} which carried every figure and mark of two tables over from the"
        " department's workbook, unchanged, with the notes beneath them in its words.",
    ])
    cover["A9"].font = cover["A14"].font = BOLD
    prose(book.create_sheet("Notes"), [
        "Notes",
        None,
        "x is not to be read as a zero; a 0 in a table is a 0 in the department's workbook. No"
        " number from 1 to 5 stands in LAA4; LAA1 has no x.",
        "LAA4 counts children looked after on 31 March who were unaccompanied asylum-seeking"
        " children during the year. It does not say whether they still were on that day.",
        "The department's workbook has no code for England and the regions; none was added.",
        "Names, codes and borders of the authorities are those of 2018.",
        "Lines that the department broke for printing are joined.",
        None,
        "Left out",
        "The other nine tables of the department's workbook, LAB1 to LAG1.",
    ])
    book["Notes"]["A9"].font = BOLD
    path = OUT / "looked_after_children_la_tables_2018.xlsx"
    save_workbook(book, path)
    write_source(
        path,
        title="Children looked after in England by local authority, 2014 to 2018: all children,"
        " and unaccompanied asylum-seeking children",
        publisher="Department for Education",
        producer="Department for Education",
        citation=f"Department for Education, {publication}, local authority tables LAA1 and LAA4:"
        " children looked after on 31 March, and those of them who were unaccompanied"
        f" asylum-seeking children, 2014 to 2018. Accessed {ACCESSED}. {ATTRIBUTION}",
        url=URL_2018, published="2018", **OGL,
        note="Two tables of the department's workbook, carried over; figures, marks and the notes"
        " beneath them unchanged. Of its numbers and rates of 2016 to 2018, 170 of 984 differ from"
        " those published since.",
    )


def panel():
    rows = read("care_panel_2016_2025.csv")
    years = list(range(2016, 2026))
    names = {r["measure_code"]: r["measure"] for r in rows if r["measure"]}
    per_10000 = "Rate per 10,000 children"
    number = "#,##0"
    tables = [  # sheet, title, [(header label, measure, number format, what note marks it)]
        ("1 Looked after", "Table 1: Children looked after on 31 March",
         [("Number on 31 March", "LACnum", number, "rounded"),
          (per_10000, "LAC", "0", "rate")]),
        ("2 Starting", "Table 2: Children who started to be looked after during the year",
         [("Number in the year ending 31 March", "LACnum_Start", number, "rounded")]),
        ("3 Ceasing", "Table 3: Children who ceased to be looked after during the year",
         [("Number in the year ending 31 March", "LACceased", number, "rounded")]),
        ("4 Adopted", "Table 4: Looked-after children adopted during the year",
         [("Number in the year ending 31 March", "No_of LAC Adopted", number, "rounded")]),
        ("5 Special guardianship", "Table 5: Children who ceased to be looked after because of a"
         " special guardianship order",
         [("Number in the year ending 31 March", "LAC_ceased_SGO", number, "rounded")]),
        ("6 In need", "Table 6: Children in need",
         [(per_10000, "CIN", "0.0", "in_need")]),
        ("7 Child protection", "Table 7: Children who were the subject of a child protection plan"
         " on 31 March",
         [("Number on 31 March", "CPP_Num", number, "rounded"),
          (per_10000, "CPP_rate", "0.0", "cpp")]),
    ]
    header_notes = {
        "rounded": ROUNDED,
        "rate": "Per 10,000 children aged under 18, as published. From 2019 the rates follow from"
        " the mid-year population estimate of the year before; many of 2016 to 2018 do not follow"
        " from the estimates as revised since.",
        "in_need": "Children in need on 31 March per 10,000 children aged under 18, by the"
        " mid-year population estimate of the year before.",
        "cpp": "Per 10,000 children aged under 18, by the mid-year population estimate of the"
        " year before.",
    }
    area_notes = {
        "Bournemouth (Pre LG)": "pre_lg", "Poole (Pre LG)": "pre_lg",
        "Dorset (Pre LG)": "pre_lg",
        "Bournemouth, Christchurch and Poole": "bcp", "Dorset": "dorset",
        "Cumberland": "cumbria_new", "Westmorland and Furness": "cumbria_new",
        "Cumbria": "cumbria",
        "North Northamptonshire": "northants_new", "West Northamptonshire": "northants_new",
        "Northamptonshire": "northants",
    }
    note_texts = {
        "bcp": "Created on 1 April 2019 from Bournemouth, Poole and the district of Christchurch.",
        "pre_lg": "The authority as it was before local government reorganisation; it ceased to"
        " exist on 1 April 2019.",
        "cumbria_new": CREATED_2023, "cumbria": REPLACED_2023,
        "dorset": "The unitary authority created on 1 April 2019 from Dorset without"
        " Christchurch.",
        "northants_new": CREATED_2021, "northants": REPLACED_2021,
    }
    symbols = {"-": "no value is available; it is never a zero"}
    source = "Source: Department for Education, children's social care statistics, 2016 to 2025"

    values = {}
    areas = {}
    for r in rows:
        la = r["la_number"].removesuffix(".0")
        assert la.isdigit() and r["period"].isdigit()
        area = (la, r["area"], r["region"])
        areas[area] = None
        key = (r["measure_code"], area, int(r["period"]))
        assert key not in values, key
        values[key] = r["value_raw"]
    top = [a for a in areas if a[1] == "England"]
    regions = sorted(a for a in areas if a[2] == "NA" and a not in top)
    blocks = [top, regions, [a for a in areas if a[2] != "NA"]]

    book = Workbook()
    cover = book.active
    cover.title = "Cover"
    prose(cover, [
        "Children's social care in England by local authority: nine measures, 2016 to 2025",
        None,
        "Publisher of the figures: Department for Education",
        f"Address: {CLA_URL}",
        f"Accessed: {ACCESSED}",
        f"Licence: Open Government Licence v3.0. {ATTRIBUTION}",
        None,
        "Contents",
        *[f"{name}: {title.split(': ', 1)[1]}" for name, title, _ in tables],
        "Notes: what the mark means, and the measures in the words of the file",
        None,
        "How produced",
        f"{NOT_OFFICIAL} which carried every value and mark over from a file of nine measures by"
        " local authority, unchanged.",
    ])
    cover["A8"].font = cover["A18"].font = BOLD

    used = 0
    for name, title, groups in tables:
        sheet = book.create_sheet(name)
        titles(sheet, title, "England, regions and local authorities, 2016 to 2025", source)
        kinds = [kind for _, _, _, kind in groups]
        notes = [header_notes[k] for k in kinds]
        marks = {k: i for i, k in enumerate(kinds, 1)}
        for block in blocks:
            for area in block:
                kind = area_notes.get(area[1])
                if kind and kind not in marks:
                    marks[kind] = len(notes) + 1
                    notes.append(note_texts[kind])
        row = header(
            sheet, ["LA number", "Area", "Region"],
            [(label, marks[kind]) for label, _, _, kind in groups], years,
        )
        for index, block in enumerate(blocks):
            row += 1 if index else 0
            font = BOLD if index < 2 else FONT
            for area in block:
                la, label, region = area
                put(sheet, row, 1, la, font)
                kind = area_notes.get(label)
                put(sheet, row, 2, marked(label, marks[kind]) if kind else label, font)
                put(sheet, row, 3, region, font)
                column = 4
                for _, measure, number_format, _ in groups:
                    for year in years:
                        text = values[measure, area, year]
                        put_value(sheet, row, column, text, number_format, font)
                        used += 1
                        column += 1
                row += 1
        footer(sheet, row, 3 + len(years) * len(groups), notes, symbols)
        finish(sheet, [11, 36, 25] + [8] * len(years) * len(groups))
    assert used == len(rows) == len(values), (used, len(rows))

    prose(book.create_sheet("Notes"), [
        "Notes",
        None,
        "- = no value is available: the authority did not exist in that year, or the figure was"
        " not published. The file does not say which. It is never a zero.",
        "A 0 in a table is a 0 in the file. No number from 1 to 4 occurs in the file.",
        "NA in the column Region stands beside England and the regions themselves.",
        "(Pre LG) marks an authority as it was before local government reorganisation.",
        None,
        "The measures in the words of the file",
        *[f"{name}: " + "; ".join(names[m] for _, m, _, _ in groups)
          for name, _, groups in tables],
    ])
    book["Notes"]["A8"].font = BOLD
    path = OUT / "care_panel_2016_2025.xlsx"
    save_workbook(book, path)
    write_source(
        path,
        title="Children's social care in England by local authority: nine measures, 2016 to 2025",
        publisher="Department for Education",
        producer="Department for Education",
        citation="Department for Education, statistics on children looked after, children in need"
        " and child protection plans by local authority in England, 2016 to 2025."
        f" Accessed {ACCESSED}. {ATTRIBUTION}",
        url=CLA_URL, **OGL,
        note="Carried over from a file of nine measures into one table a measure; values and marks"
        " unchanged. From 2021 the numbers looked after, starting and ceasing and the rate equal"
        " the department's open data. The address is that of the publication on children looked"
        " after.",
    )


def population():
    rows = read("ons_mid_year_population.csv")
    levels = ["National", "Regional", "Local authority"]
    rows.sort(key=lambda r: (
        int(r["time_period"]), levels.index(r["geographic_level"]), r["region_code"],
        r["new_la_code"],
    ))
    path = OUT / "population_0_17_mid_year.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_source(
        path,
        title="Children aged 0 to 17 in England, mid-year population estimates by local authority,"
        " 2012 to 2024",
        publisher="Office for National Statistics, as republished by the Department for Education",
        producer="Office for National Statistics",
        citation="Office for National Statistics, mid-year population estimates, children aged 0"
        " to 17 years by local authority in England, 2012 to 2024, as republished in open data by"
        f" the Department for Education. Accessed {ACCESSED}. {ATTRIBUTION}",
        url=CLA_URL, **OGL,
        note="time_period is the year of the mid-year estimate: a rate of the reporting year N"
        " uses N-1. Rows sorted by year, level and code; values and marks unchanged."
        " The address is that of the department's publication that uses the estimates.",
    )


# The workbook states no date; its properties say that it was saved last on this day.
NEIGHBOURS_SAVED = "2025-05-23"


def neighbours():
    """The statistical neighbours as a code list: a row a neighbour."""
    with open(CODELISTS / "regions" / "england.csv", encoding="utf-8", newline="") as file:
        areas = list(csv.DictReader(file))
    by_number = {}
    for area in areas:
        for number in filter(None, area["old_code"].split("|")):
            assert number not in by_number, number
            by_number[number] = area
    present = {n for n, a in by_number.items()
               if a["level"] == "local_authority" and not a["valid_to"]}
    la_list = load_workbook(ENGLAND / "la_code_list.xlsx").active.iter_rows(
        min_row=2, values_only=True)
    listed = {str(number): name for number, name, *_ in la_list}

    def spelt(name):
        return re.sub("[^a-z]", "", name.lower().replace("&", "and"))

    def area_of(number, name):
        area = by_number[number]
        names = [area["name_en"], *area["aliases"].split("|")]
        assert spelt(name) in map(spelt, names), (number, name, names)
        return area

    sheet = load_workbook(ENGLAND / "statistical_neighbours_2025.xlsx")["LA SN Groups"]
    head = [cell.value for cell in sheet[3]]
    assert head[:5] == ["LA num", "LA Name", "LA number", "GOInd", "GOReg"]
    assert head[5:25] == [h for n in range(1, 11) for h in (f"SN{n}", "SNP")]
    rows = []
    old = False
    seen = set()
    for line in sheet.iter_rows(min_row=4):
        first, name, again = (cell.value for cell in line[:3])
        if first is None:
            old = old or name == "Old SNs:"
            assert name in (None, "Old SNs:")
            assert all(cell.value is None for cell in line[2:])
            continue
        number = str(first)
        assert first == again and number not in seen
        seen.add(number)
        area = area_of(number, name)
        assert spelt(listed[number]) == spelt(name)
        # The workbook sets the authorities that are no more apart, under `Old SNs:`.
        assert old == bool(area["valid_to"]), name
        found = set()
        for position in range(1, 11):
            cell, word = line[3 + 2 * position], line[4 + 2 * position]
            other = by_number[str(cell.value)]
            area_of(str(cell.value), listed[str(cell.value)])
            assert other["level"] == "local_authority" and other is not area
            assert old or not other["valid_to"], cell.coordinate
            assert other["code"] not in found and word.value.strip() == word.value
            found.add(other["code"])
            rows.append({
                "code": f"{area['code']}-{position:02}",
                "ref_area": area["code"],
                "position": position,
                "neighbour": other["code"],
                "closeness": word.value,
                "valid_from": "" if old else NEIGHBOURS_SAVED,
                "valid_to": area["valid_to"],
                "source_cell": f"{sheet.title}!{cell.coordinate}",
            })
    assert present <= seen, present - seen
    rows.sort(key=lambda row: row["code"])
    path = CODELISTS / "statistical_neighbours.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    la_tables()
    la_tables_2018()
    panel()
    population()
    neighbours()
