"""Carry the Russian figures over into the files under `sources`."""

import csv

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from common import ACCESSED, ROOT, folder, marked, save_workbook, write_source

CORPUS = folder("OPEKA_CORPUS")
PROGRAMMES = folder("OPEKA_PROGRAMMES")
SOURCES = ROOT / "sources"
FACTS_ONLY = "Figures quoted as facts with citation; the publication itself is not redistributed"
HEADER = "indicator area time_period value obs_status unit wording place".split()

YEARBOOK = "Российский статистический ежегодник. 2011"
TABLE_URL = "http://www.gks.ru/bgd/regl/b11_13/IssWWW.exe/Stg/d2/07-09.htm"


def rosstat():
    with open(CORPUS / "russia" / "rosstat_7_9_placement_1990_2010.csv", encoding="utf-8-sig",
              newline="") as file:
        head, *rows = list(csv.reader(file))
    years = [int(year) for year in head[1:]]
    levels = [0, 1, 1, 2, 1, 0]
    assert len(rows) == len(levels)
    break_before = "оставшихся без попечения"

    font = Font(name="Times New Roman", size=11)
    bold = Font(name="Times New Roman", size=12, bold=True)
    small = Font(name="Times New Roman", size=10)
    rule = Side(style="thin")
    book = Workbook()
    sheet = book.active
    sheet.title = "7.9"
    width = len(years) + 1
    for row, (text, style) in enumerate([
        ("7.9. УСТРОЙСТВО ДЕТЕЙ И ПОДРОСТКОВ, ОСТАВШИХСЯ БЕЗ ПОПЕЧЕНИЯ РОДИТЕЛЕЙ", bold),
        ("(человек)", font),
    ], 1):
        cell = sheet.cell(row, 1, text)
        cell.font = style
        cell.alignment = Alignment(horizontal="center")
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=width)
    top = 4
    for column in range(1, width + 1):
        cell = sheet.cell(top, column)
        cell.border = Border(top=rule, bottom=rule)
        if column > 1:
            cell.value = years[column - 2]
            cell.font = font
            cell.number_format = "0"
            cell.alignment = Alignment(horizontal="center")
    for index, ((label, *values), level) in enumerate(zip(rows, levels)):
        row = top + 1 + index
        if index == 0:
            before, found, after = label.partition(" " + break_before)
            assert found
            label = f"{before}\n{break_before}{after}"
        cell = sheet.cell(row, 1, "   " * level + label)
        cell.font = font
        cell.alignment = Alignment(horizontal="left", wrap_text=True, vertical="bottom")
        lines = sum(-(-len(line) // 58) for line in label.split("\n"))
        sheet.row_dimensions[row].height = 15 * lines
        for column, text in enumerate(values, 2):
            cell = sheet.cell(row, column, int(text) if text.isdigit() else text)
            assert text.isdigit() or text == "…"
            cell.font = font
            cell.number_format = "0"
            cell.alignment = Alignment(horizontal="right", vertical="bottom")
    last = top + len(rows)
    for column in range(1, width + 1):
        sheet.cell(last, column).border = Border(bottom=rule)
    for offset, text in enumerate([
        "Условные обозначения:", "… данных не имеется", "– явление отсутствует",
    ]):
        sheet.cell(last + 2 + offset, 1, text).font = small
    sheet.column_dimensions["A"].width = 52
    for column in range(2, width + 1):
        sheet.column_dimensions[sheet.cell(top, column).column_letter].width = 10
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    path = SOURCES / "rosstat" / ACCESSED / "placement_1990_2010.xlsx"
    save_workbook(book, path)
    write_source(
        path,
        title="Устройство детей и подростков, оставшихся без попечения родителей, 1990–2010"
        " (таблица 7.9)",
        publisher="Федеральная служба государственной статистики (Росстат)",
        producer="Федеральная служба государственной статистики (Росстат)",
        citation=f"Росстат. {YEARBOOK}. Таблица 7.9 «Устройство детей и подростков, оставшихся"
        f" без попечения родителей». Дата обращения: {ACCESSED}.",
        url=TABLE_URL,
        licence="Official statistics of Rosstat; figures quoted as facts with citation",
        published="2011",
        note="Carried over from a transcription of the table; row labels as in the transcription,"
        " shorter than the printed ones. Only the rows that the transcription has.",
    )


ROSSTAT = "Федеральная служба государственной статистики (Росстат)"
ROSSTAT_TERMS = "Official statistics of Rosstat; figures quoted as facts with citation"
LAID_OUT = "Таблица составлена проектом opeka; значения перенесены без изменений."

TIMES = "Times New Roman"
FONT = Font(name=TIMES, size=10)
BOLD = Font(name=TIMES, size=10, bold=True)
TITLE = Font(name=TIMES, size=12, bold=True)
RULE = Side(style="thin")
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)

ORPHANS = "дети-сироты и дети, оставшиеся без попечения родителей"
# The headings of the tables, without the hyphens that break their lines in print.
SUPPORT_PARTS = [
    "денежная выплата",
    "оплата жилого помещения и коммунальных услуг",
    "обеспечение жилыми помещениями",
    "обеспечение топливом",
    "оплата и установка телефона",
    "проезд городским и пригородным транспортом",
    "проезд на междугородном транспорте",
    "лекарственное обеспечение, обеспечение изделиями медицинского назначения и медицинские"
    " услуги",
    "обеспечение питанием",
    "санаторно-курортное лечение или пребывание в доме отдыха (включая проезд)",
    "другие меры социальной поддержки",
]


def put(sheet, row, column, value, font=FONT, alignment=None, number_format=None):
    cell = sheet.cell(row, column, value)
    cell.font = font
    if alignment:
        cell.alignment = alignment
    if number_format:
        cell.number_format = number_format
    return cell


def finish(sheet, label_widths, others, width, freeze):
    for column in range(1, width + 1):
        first = label_widths[column - 1] if column <= len(label_widths) else others
        sheet.column_dimensions[get_column_letter(column)].width = first
    sheet.freeze_panes = freeze
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def support():
    """Spending on orphans: one row of each table of each of 96 sheets, now a row an area."""
    book = load_workbook(CORPUS / "russia" / "rosstat_socpod_2021.xlsx")
    contents = book["Содержание"]
    subject = contents["B3"].value
    updated = contents["B106"].value
    assert updated.split() == ["Обновлено:", "15.03.2022"]
    names = [contents.cell(row, 2).value for row in range(5, 101)]
    sheets = [sheet for sheet in book if sheet is not contents]
    assert len(names) == len(sheets) == 96
    # Where the rows of the category and the notes of the three tables stand, on every sheet.
    places = [  # first row, row of the figures, row of the note, columns after the total
        (2, 50, 55, range(3, 14)), (57, 101, 106, []), (108, 156, 161, []),
    ]
    with open(CORPUS / "russia" / "rosstat_socpod_2021.orphan_rows.expected.csv",
              encoding="utf-8-sig", newline="") as file:
        key = {(r["sheet"], int(r["excel_row"])): r for r in csv.DictReader(file)}

    out = Workbook()
    out.remove(out.active)
    for table, (top, line, note_row, parts) in enumerate(places, 1):
        sheet = out.create_sheet(f"Таблица {table}")
        width = 2 + len(parts)
        first = sheets[0]
        title = first.cell(top + 1, 1).value
        assert first.cell(top, 1).value == sheet.title and title.endswith("*")
        put(sheet, 1, 1, sheet.title)
        put(sheet, 2, 1, marked(title.removesuffix("*"), "*", bold=True, font=TIMES), TITLE)
        put(sheet, 3, 1, f"Категория граждан: {ORPHANS}")
        put(sheet, 4, 1, first.cell(top + 2, 1).value.strip())
        put(sheet, 5, width, "тысяча рублей", FONT, Alignment(horizontal="right"))
        head = 6
        put(sheet, head, 2, "Всего", FONT, CENTRE)
        if parts:
            sheet.merge_cells(start_row=head, end_row=head + 1, start_column=1, end_column=1)
            sheet.merge_cells(start_row=head, end_row=head + 1, start_column=2, end_column=2)
            put(sheet, head, 3, "Из них:", FONT, CENTRE)
            sheet.merge_cells(start_row=head, end_row=head, start_column=3, end_column=width)
            for column, part in zip(parts, SUPPORT_PARTS, strict=True):
                printed = first.cell(top + 5, column).value
                assert printed.replace("-", "") == part.replace("-", ""), printed
                put(sheet, head + 1, column, part, FONT, CENTRE)
            sheet.row_dimensions[head + 1].height = 110
        last_head = head + 1 if parts else head
        for column in range(1, width + 1):
            sheet.cell(head, column).border = Border(
                top=RULE, bottom=RULE if last_head == head else None)
            if parts:
                sheet.cell(last_head, column).border = Border(bottom=RULE)
        row = last_head + 1
        for name, area in zip(names, sheets):
            assert area.cell(line, 1).value == ORPHANS
            assert area.cell(top, 1).value == sheet.title
            assert area.cell(top + 1, 1).value.rstrip("*") == title.rstrip("*")
            units = [area.cell(top + 3, column).value for column in range(1, 15)]
            assert units.count("тысяча рублей") == 1
            heading = name == names[0] or name.endswith("федеральный округ")
            font = BOLD if heading else FONT
            note = area.cell(note_row, 1).value
            label = marked(name, "*", heading, TIMES) if note else name
            assert not note or note.startswith("* Расхождение между итогом"), note
            put(sheet, row, 1, label, font, Alignment(wrap_text=True, indent=0 if heading else 1))
            known = key.pop((area.title, line))
            values = [area.cell(line, column).value for column in [2, *parts]]
            for column, value in enumerate(values, 2):
                assert value in ("", None) or type(value) is int
                if column <= 8:
                    assert known[f"c{column - 1}"] == str(value or ""), (area.title, column)
                put(sheet, row, column, value or None, font,
                    Alignment(horizontal="right"), "#,##0")
            row += 1
        for column in range(1, width + 1):
            sheet.cell(row - 1, column).border = Border(bottom=RULE)
        put(sheet, row + 1, 1, first.cell(note_row, 1).value)
        put(sheet, row + 2, 1, updated)
        put(sheet, row + 3, 1, LAID_OUT)
        finish(sheet, [46], 14, width, sheet.cell(last_head + 1, 2))
    assert not key, key
    path = SOURCES / "rosstat" / ACCESSED / "orphan_support_spending_2021.xlsx"
    save_workbook(out, path)
    write_source(
        path,
        title=f"{subject}: {ORPHANS}",
        publisher=ROSSTAT, producer=ROSSTAT,
        citation=f"Росстат. {subject}. Таблицы 1–3, строка «{ORPHANS}». Обновлено 15.03.2022."
        f" Дата обращения: {ACCESSED}.",
        url="https://rosstat.gov.ru/", licence=ROSSTAT_TERMS, published="2022-03-15",
        note="Carried over from 96 sheets, one an area, into one row an area: of table 1 all"
        " columns, of tables 2 (in kind) and 3 (in money) the total. Names of areas are those of"
        " the contents page; headings without the hyphens of line breaks; a name has a mark where"
        " its own sheet has the note. Empty cells are empty in the file, which does not say what"
        " that means. The address is that of the site; the address of the file is not known.",
    )


EMISS_SECTION = "Раздел 1. Муниципальные образования субъектов Российской Федерации"
EMISS_TITLE = "Численность постоянного населения на 1 января"


def residents():
    """Resident population on 1 January: the rows of subjects, districts and the country."""
    book = load_workbook(CORPUS / "russia" / "emiss_population_1999_2022.xlsx")
    sheet = book["Отчет"]
    assert sheet["C1"].value == f"23110000100030200002 {EMISS_TITLE}"
    assert sheet["A3"].value == "все население"
    assert book["Установленные разрезы"]["B2"].value == "Человек"
    years = list(range(1999, 2023))
    assert [sheet.cell(2, 3 + i).value for i in range(24)] == [f"январь {y} г." for y in years]
    areas, left_out, area = [], 0, None
    for line in sheet.iter_rows(min_row=4, max_col=26):
        name, code, *values = (cell.value for cell in line)
        filled = [value for value in values if value is not None]
        assert all(type(value) is int for value in filled)
        if name == EMISS_SECTION:
            assert code == "00000000000" and filled and area
            areas.append((*area, values))
            area = None
        elif filled:
            assert code.startswith("01"), code  # a municipality or settlement of Altai krai
            left_out += len(filled)
        elif name:
            # Of rows without figures, the one right above a section is its area.
            area = (name, code)
    assert len(areas) == 107 and left_out == 894, (len(areas), left_out)

    out = Workbook()
    table = out.active
    table.title = "1 января"
    width = 2 + len(years)
    put(table, 1, 1, EMISS_TITLE.upper(), TITLE)
    put(table, 2, 1, "(человек; все население)")
    head = 4
    put(table, head, 1, "Код", FONT, CENTRE)
    put(table, head, 2, "Территория", FONT, CENTRE)
    for column, year in enumerate(years, 3):
        put(table, head, column, year, FONT, CENTRE, "0")
    for column in range(1, width + 1):
        table.cell(head, column).border = Border(top=RULE, bottom=RULE)
    for row, (name, code, values) in enumerate(areas, head + 1):
        heading = len(code) == 3
        font = BOLD if heading else FONT
        put(table, row, 1, code, font, number_format="@")
        inner = "кроме" in name or (code[2:] != "000000000" and not heading)
        put(table, row, 2, name, font,
            Alignment(wrap_text=True, indent=0 if heading else 2 if inner else 1))
        for column, value in enumerate(values, 3):
            put(table, row, column, value, font, Alignment(horizontal="right"), "#,##0")
    last = head + len(areas)
    for column in range(1, width + 1):
        table.cell(last, column).border = Border(bottom=RULE)
    for offset, text in enumerate([
        "Примечания:",
        f"Показатель ЕМИСС 23110000100030200002 «{EMISS_TITLE}», {EMISS_SECTION}.",
        "Код – ОКАТО или код ЕМИСС. Где ячейка пуста, в выгрузке значения нет.",
        "Федеральные округа даны в тех составах, в которых они есть в выгрузке; Южного"
        " федерального округа на 1 января 2003 г. в ней нет.",
        "Муниципальные образования и населенные пункты Алтайского края из выгрузки не"
        " перенесены.",
        LAID_OUT,
    ], 2):
        put(table, last + offset, 1, text)
    finish(table, [14, 58], 12, width, table.cell(head + 1, 3))
    path = SOURCES / "rosstat" / ACCESSED / "population_1_january_1999_2022.xlsx"
    save_workbook(out, path)
    write_source(
        path,
        title=f"{EMISS_TITLE}, 1999–2022: Российская Федерация, федеральные округа, субъекты",
        publisher=ROSSTAT, producer=ROSSTAT,
        citation=f"Росстат. ЕМИСС, показатель 23110000100030200002 «{EMISS_TITLE}», 1999–2022."
        f" Дата обращения: {ACCESSED}.",
        url="https://www.fedstat.ru/indicator/31557", licence=ROSSTAT_TERMS,
        note="Carried over from an export of EMISS: the rows of subjects, their okrugs, districts"
        " and the country, in its order. Headings say the year where the export says January of"
        " the year. Left out: 894 figures of municipalities and settlements of Altai krai. The"
        " day of the export is not known.",
    )


# Each publication: folder, file, what the source file says, and its figures. A figure is
# (indicator, area, time period, value, status, unit, wording, place, the text it was read from).
RUSSIA = "Russia"
PILOT = "14 pilot subjects of the Russian Federation"
NOVOSIBIRSK = "Novosibirsk oblast"
LENINGRAD = "Leningrad region"
PUBLICATIONS = [
    dict(
        folder="css_foundation", name="leningrad_children_without_care",
        text="leningrad_active_family_support.txt",
        source=dict(
            title="Service of active family support in the Leningrad region: figures on the region",
            publisher="CSS foundation",
            producer="Partnership for every child charity foundation",
            citation="CSS foundation, project page: Partnership for every child charity"
            " foundation, Service of active family support in the Leningrad region, section"
            f" Relevance. Accessed {ACCESSED}.",
            url="https://cssfoundation.org/en/activities/projects/181/186.html",
            note="The number for 2017 is not published and is not entered. The place is the line"
            " of the page's text.",
        ),
        figures=[
            ("children_without_care_reported", LENINGRAD, "2018", "552", "A", "persons",
             "the number of children without parental care rose in 2018, reaching 552 children",
             "line 54", "reaching 552 children"),
            ("children_without_care_reported", LENINGRAD, "2019", "493", "A", "persons",
             "in 2019 the number decreased to 493", "line 56", "decreased to 493"),
            ("children_without_care_reported_change", LENINGRAD, "2018", "4.7", "A",
             "percent_change", "increased by 4.7% in 2018 compared to 2017", "line 54",
             "increased by 4.7% in 2018 compared to 2017"),
            ("social_orphans_reported", LENINGRAD, "2018", "405", "A", "persons",
             "of the 552 children, 405 are social orphans with living parents", "line 54",
             "405 are social orphans"),
            ("removals_threat_change", LENINGRAD, "2018", "64", "A", "percent_change",
             "in 2018 a 64% increase in the cases where children were taken away from their"
             " parents because of a threat to life or health", "line 54", "a 64% increase"),
        ],
    ),
    dict(
        folder="planeta_press", name="children_found_without_care", text="more_facts.md",
        source=dict(
            title="Children found without parental care: Russia 2019 and 2023 and five regions"
            " 2023",
            publisher="planeta.press",
            producer="Ministry of Education of the Russian Federation (Минпросвещения России)",
            citation="planeta.press, 1 October 2024, reading the reports of the education"
            f" ministry. Accessed {ACCESSED}.",
            url="https://planeta.press/", published="2024-10-01",
            note="The address is that of the site; the address of the article is not known.",
        ),
        figures=[
            ("found_without_care_ministry", RUSSIA, "2019", "47640", "A", "persons",
             "47,640 children found without parental care in 2019", "article", "47,640 in 2019"),
            ("found_without_care_ministry", RUSSIA, "2023", "42699", "A", "persons",
             "42,699 children found without parental care in 2023", "article", "42,699 in 2023"),
            *[("found_without_care_ministry", area, "2023", value.replace(",", ""), "A",
               "persons", f"{value} in 2023, {area}", "article", f"{area} {value}")
              for area, value in [
                  ("Moscow oblast", "1,624"), ("Kemerovo oblast", "1,610"),
                  ("Sverdlovsk oblast", "1,512"), ("Krasnoyarsk krai", "1,344"),
                  ("Chelyabinsk oblast", "1,331")]],
        ],
    ),
    dict(
        folder="tochno_st", name="orphanhood_end_of_2023", text="more_facts.md",
        source=dict(
            title="Orphans and children without parental care in Russia at the end of 2023",
            publisher="tochno.st",
            producer="tochno.st (Если быть точным)",
            citation="Если быть точным (tochno.st), исследование сиротства: «На 463% больше сирот"
            " в Ростовской области, антирекорд иностранных усыновлений и снижение числа детей в"
            f" детдомах». Дата обращения: {ACCESSED}.",
            url="https://tochno.st/materials/na-463-bolse-sirot-v-rostovskoi-oblasti-antirekord-"
            "inostrannyx-usynovlenii-i-snizenie-cisla-detei-v-detdomax-issledovanie-esli-byt-"
            "tocnym",
            note="The page gives the figures in thousands.",
        ),
        figures=[
            (indicator, RUSSIA, "2023", value.replace(",", ""), "A", "persons", wording,
             "section «Число сирот в России снижается»", seen)
            for indicator, value, wording, seen in [
                ("orphans_end_of_year", "358,000",
                 "358 thousand orphans and children without parental care, end of 2023",
                 "358,000 orphans and children without parental care"),
                ("orphans_in_families_end_of_year", "322,600",
                 "of them 322.6 thousand in families", "322,600 in families"),
                ("orphans_in_institutions_end_of_year", "31,700",
                 "of them 31.7 thousand in institutions", "31,700 in institutions"),
                ("orphans_state_guardian_end_of_year", "3,700",
                 "of them 3.7 thousand with the state as guardian",
                 "3,700 with the state as guardian"),
                ("orphans_parents_dead_end_of_year", "99,000",
                 "both (or the only) parents dead for 99 thousand",
                 "parents dead for 99,000"),
                ("formerly_orphans_adopted_end_of_year", "77,000",
                 "77 thousand more already adopted by the end of 2023",
                 "77,000 more already adopted"),
            ]
        ],
    ),
    dict(
        folder="wikipedia_ru", name="orphanhood_in_russia_2018", text="more_facts.md",
        source=dict(
            title="Orphanhood in Russia: figures for 2018",
            publisher="Wikipedia in Russian",
            producer="Not named; the page cites its own sources",
            citation="Википедия, «Сиротство в России», вводный раздел."
            f" Дата обращения: {ACCESSED}.",
            url="https://ru.wikipedia.org/wiki/%D0%A1%D0%B8%D1%80%D0%BE%D1%82%D1%81%D1%82%D0%B2%D0%BE_%D0%B2_"
            "%D0%A0%D0%BE%D1%81%D1%81%D0%B8%D0%B8",
            note="The federal data bank stands on the page in thousands (47.8).",
        ),
        figures=[
            ("orphans_under_18", RUSSIA, "2018", "481284", "A", "persons",
             "481,284 orphans and children without parental care under 18, those placed in"
             " families included, 2018", "lead section", "2018: 481,284 under 18"),
            ("federal_data_bank", RUSSIA, "2018", "47800", "A", "persons",
             "47.8 thousand registered in the federal data bank, 2018", "lead section",
             "47,800 in 2018"),
        ],
    ),
    dict(
        folder="whitepl", name="ombudsman_figures_2011_2016", text="more_facts.md",
        source=dict(
            title="Federal data bank, newborns given up and deprivations of parental rights,"
            " 2011 to 2016",
            publisher="whitepl.ru",
            producer="Commissioner for Children's Rights under the President of the Russian"
            " Federation",
            citation="whitepl.ru, «Цифры Астахова. Эксперты — о сокращении количества сирот в"
            f" России». Дата обращения: {ACCESSED}.",
            url="http://whitepl.ru/cifry-astahova-eksperty-o-sokrashchenii-kolichestva-sirot-v-"
            "rossii.html",
            note="The page reports the ombudsman's words and then experts who dispute them."
            " It gives the numbers in thousands.",
        ),
        figures=[
            ("federal_data_bank", RUSSIA, "2011", "128000", "A", "persons",
             "128 thousand children in the federal data bank in 2011", "first paragraph",
             "128,000 children in 2011"),
            ("federal_data_bank", RUSSIA, "2016", "70000", "A", "persons",
             "70 thousand children in the federal data bank in 2016", "first paragraph",
             "70,000 in 2016"),
            ("newborns_given_up", RUSSIA, "2011", "7000", "E", "persons",
             "from 7 to 4 thousand a year between 2011 and 2016: the first figure",
             "second paragraph", "from 7,000 to 4,000 a year between 2011 and 2016"),
            ("newborns_given_up", RUSSIA, "2016", "4000", "E", "persons",
             "from 7 to 4 thousand a year between 2011 and 2016: the last figure",
             "second paragraph", "from 7,000 to 4,000 a year between 2011 and 2016"),
            ("rights_deprivations_change_5_years", RUSSIA, "2016", "-34", "A", "percent_change",
             "down 34% in five years, as the ombudsman said; the years are not named, the latest"
             " year on the page is entered", "third paragraph",
             "deprivations of parental rights −34% in five years"),
        ],
    ),
    dict(
        folder="jsps", name="children_out_of_parental_care", text="more_facts.md",
        source=dict(
            title="Children out of parental care in Russia: shares",
            publisher="The Journal of Social Policy Studies",
            producer="Svetlana Biryukova and Oxana Sinyavskaya",
            citation="Biryukova S., Sinyavskaya O. (2017) Children out of parental care in"
            " Russia: what we can learn from the statistics. The Journal of Social Policy"
            f" Studies. Accessed {ACCESSED}.",
            url="https://cyberleninka.ru/article/n/children-out-of-parental-care-in-russia-what-"
            "we-can-learn-from-the-statistics", published="2017",
            note="Four figures of the abstract, quoted as facts.",
        ),
        figures=[
            ("institution_share", RUSSIA, "2000", "27", "A", "percent",
             "in 2000 as much as 27% of children out of parental care were institutionalised",
             "abstract", "27% in 2000"),
            ("institution_share", RUSSIA, "2014", "11.5", "A", "percent",
             "in 2014 11.5% of children out of parental care were institutionalised",
             "abstract", "11.5% in 2014"),
            ("out_of_care_share", RUSSIA, "2015", "2", "E", "percent",
             "in 2015 over 2% of all children under eighteen", "abstract",
             "over 2% of all under eighteen in 2015"),
            ("returned_home", RUSSIA, "2017", "1", "E", "per_10_children",
             "about one in ten returns home; no year is stated, the year of publication is"
             " entered", "abstract", "about one in ten returns home"),
        ],
    ),
    dict(
        folder="news_mail_ru", name="federal_pilot_2022_2025", text="more_facts.md",
        source=dict(
            title="Federal pilot on preventing social orphanhood: figures of the 14 pilot"
            " subjects",
            publisher="news.mail.ru",
            producer="Office of the Commissioner for Children's Rights under the President of the"
            " Russian Federation",
            citation="news.mail.ru, 31 October 2025, after TASS, on the report of the deputy head"
            " of the Commissioner's office on the federal pilot on preventing social orphanhood."
            f" Accessed {ACCESSED}.",
            url="https://news.mail.ru/society/68535001/", published="2025-10-31",
            note="The dates of the first and the last number are not stated: the year in which"
            " the pilot began and the year of the report are entered.",
        ),
        figures=[
            ("baby_home_children", PILOT, "2022", "1214", "E", "persons",
             "children in baby homes of the pilot subjects from 1,214 to 717 since September"
             " 2022: the first number", "article", "1,214 → 717"),
            ("baby_home_children", PILOT, "2025", "717", "E", "persons",
             "children in baby homes of the pilot subjects from 1,214 to 717 since September"
             " 2022: the last number", "article", "1,214 → 717"),
            ("baby_home_children_change_2022_2025", PILOT, "2025", "-41", "A", "percent_change",
             "down 41% since September 2022", "article", "(−41%)"),
            ("institution_share_change_2022_2025", PILOT, "2025", "-30", "E", "percent_change",
             "share of children in institutions down by almost 30%", "article",
             "share of children in institutions almost −30%"),
            ("social_orphan_probability_change_2022_2025", PILOT, "2025", "-20", "A",
             "percent_change", "probability of becoming a social orphan down by 20%", "article",
             "probability of becoming a social orphan −20%"),
        ],
    ),
    dict(
        folder="infopro54", name="novosibirsk_data_bank_2014", text="more_facts.md",
        source=dict(
            title="Novosibirsk oblast: regional data bank and substitute families, 2011 to 2014",
            publisher="infopro54.ru",
            producer="Government of Novosibirsk oblast, press service",
            citation="infopro54.ru, «Стабильно снижается количество детей-сирот»."
            f" Дата обращения: {ACCESSED}.",
            url="https://infopro54.ru/news/stabilno-snizhaetsya-kolichestvo-detej-sirot/amp",
            note="The page says of the data bank only that it is the number now and the fall of"
            " the past year; 2014 is entered for both.",
        ),
        figures=[
            ("regional_data_bank", NOVOSIBIRSK, "2014", "1572", "A", "persons",
             "1,572 children in the regional data bank", "article", "1,572 children in 2014"),
            ("regional_data_bank_change", NOVOSIBIRSK, "2014", "-26.2", "A", "percent_change",
             "down 26.2% in the year", "article", "−26.2% in the year"),
            ("orphans_change_2011_2014", NOVOSIBIRSK, "2014", "-2900", "A", "persons",
             "2,900 fewer orphans over 2011 to 2014", "article",
             "2,900 fewer orphans over 2011–2014"),
            ("substitute_family_share_change_2011_2014", NOVOSIBIRSK, "2014", "7.1", "A",
             "percentage_points", "the share brought up in substitute families rose by 7.1; the"
             " page prints %, read as points of the share", "article",
             "share in substitute families +7.1 points"),
        ],
    ),
]


def publications():
    for publication in PUBLICATIONS:
        text = (PROGRAMMES / publication["text"]).read_text(encoding="utf-8")
        lines = text.split("\n")
        path = SOURCES / publication["folder"] / ACCESSED / (publication["name"] + ".csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for *figure, seen in publication["figures"]:
                assert seen in text, seen
                place = figure[-1]
                if place.startswith("line "):
                    assert seen in lines[int(place.removeprefix("line ")) - 1], seen
                writer.writerow(figure)
        write_source(path, **publication["source"], licence=FACTS_ONLY)


if __name__ == "__main__":
    rosstat()
    support()
    residents()
    publications()
