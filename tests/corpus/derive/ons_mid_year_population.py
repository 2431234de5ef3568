"""Children aged 0 to 17, mid-year estimates."""

from common import education_statistics


def indicators(_header, _row):
    return [("population_estimate", "population_0_17")]


education_statistics("england/ons_mid_year_population.csv", {"x": "O"}, indicators)
