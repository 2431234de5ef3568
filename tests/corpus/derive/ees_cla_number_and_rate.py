"""Children looked after, starting and ceasing, 2021 to 2025."""

from common import education_statistics

KINDS = {
    "Children looked after on 31 March each year": "cla_31_march",
    "Children starting to be looked after each year": "cla_starting",
    "Children ceasing to be looked after each year": "cla_ceasing",
}


def indicators(_, row):
    kind = KINDS[row["population_type"]]
    return [("children_count", kind), ("rate_per_10000", kind + "_rate")]


education_statistics(
    "england/ees_cla_number_and_rate.csv", {"c": "Q", "z": "M"}, indicators,
    "the column population_estimate: the same figures stand in another file")
