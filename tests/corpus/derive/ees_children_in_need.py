"""Children in need, 2013 to 2025: eight columns of figures."""

from common import education_statistics


def indicators(header, _):
    return [(field, field) for field in header[header.index("category") + 1:]]


education_statistics(
    "england/ees_children_in_need.csv", {"c": "Q", "x": "O", "u": "U"}, indicators)
