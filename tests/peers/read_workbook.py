"""Reads a workbook whole with another reader, and tells cells, the sum of numbers, and memory in KiB.

    python tests/peers/read_workbook.py {python-calamine|polars|pandas} FILE
"""

import math
import sys


def python_calamine(path):
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    for name in book.sheet_names:
        for row in book.get_sheet_by_name(name).to_python():
            yield from row


def polars(path):
    import polars

    for frame in polars.read_excel(path, sheet_id=0, has_header=False, engine="calamine").values():
        for series in frame:
            if series.dtype.is_numeric():
                yield series.drop_nulls().len(), float(series.sum() or 0)
            else:
                yield series.drop_nulls().len(), 0.0


def pandas(path):
    import pandas

    for frame in pandas.read_excel(path, sheet_name=None, header=None, engine="openpyxl").values():
        for _, series in frame.items():
            filled = series.dropna()
            is_number = pandas.api.types.is_numeric_dtype(filled)
            yield len(filled), float(filled.sum()) if is_number else 0.0


def main():
    reader, path = sys.argv[1:]
    cells, total = 0, 0.0
    if reader == "python-calamine":
        for value in python_calamine(path):
            if value != "":
                cells += 1
                if isinstance(value, (int, float)) and not math.isnan(value):
                    total += value
    else:
        for count, part in {"polars": polars, "pandas": pandas}[reader](path):
            cells += count
            total += part
    print(cells, f"{total:.3f}")
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))


if __name__ == "__main__":
    main()
