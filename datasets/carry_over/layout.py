"""How the English tables are laid out: fonts, headings, notes beneath, widths."""

from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter

from common import marked

FONT = Font(name="Arial", size=10)
BOLD = Font(name="Arial", size=10, bold=True)
TITLE = Font(name="Arial", size=12, bold=True)
RULE = Side(style="thin")
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True)
RIGHT = Alignment(horizontal="right")


def put(sheet, row, column, value, font=FONT, alignment=None, number_format=None):
    cell = sheet.cell(row, column, value)
    cell.font = font
    if alignment:
        cell.alignment = alignment
    if number_format:
        cell.number_format = number_format
    return cell


def put_value(sheet, row, column, text, number_format, font=FONT):
    """A figure as a number, a mark as the text it is."""
    try:
        value = float(text) if "." in text else int(text)
    except ValueError:
        value = text
    put(sheet, row, column, value, font, RIGHT, number_format)


def titles(sheet, *lines):
    for row, line in enumerate(lines, 1):
        put(sheet, row, 1, line, TITLE if row == 1 else FONT)


def header(sheet, labels, groups, years):
    """Two header rows: labels merged down, groups merged over their years. Returns the next row."""
    top = 5
    for column, label in enumerate(labels, 1):
        put(sheet, top, column, label, BOLD, LEFT)
        sheet.merge_cells(start_row=top, end_row=top + 1, start_column=column, end_column=column)
    column = len(labels) + 1
    for label, mark in groups:
        put(sheet, top, column, marked(label, mark, bold=True) if mark else label, BOLD, CENTRE)
        last = column + len(years) - 1
        sheet.merge_cells(start_row=top, end_row=top, start_column=column, end_column=last)
        for offset, year in enumerate(years):
            put(sheet, top + 1, column + offset, year, BOLD, RIGHT, "0")
        column = last + 1
    for c in range(1, column):
        sheet.cell(top, c).border = Border(top=RULE)
        sheet.cell(top + 1, c).border = Border(bottom=RULE)
    sheet.row_dimensions[top].height = 30
    sheet.freeze_panes = sheet.cell(top + 2, len(labels) + 1)
    return top + 2


def footer(sheet, row, width, notes, symbols):
    """A rule under the table, then `Notes`, the numbered notes and the marks."""
    for column in range(1, width + 1):
        sheet.cell(row - 1, column).border = Border(bottom=RULE)
    row += 1
    put(sheet, row, 1, "Notes", BOLD)
    for number, note in enumerate(notes, 1):
        put(sheet, row + number, 1, f"{number}. {note}")
    row += len(notes) + 1
    for offset, (mark, meaning) in enumerate(symbols.items()):
        put(sheet, row + offset, 1, f"{mark} = {meaning}")


def prose(sheet, lines):
    sheet.column_dimensions["A"].width = 110
    for row, line in enumerate(lines, 1):
        put(sheet, row, 1, line or None, TITLE if row == 1 else FONT, Alignment(wrap_text=True))


def finish(sheet, widths):
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "5:6"
