"""Which authorities are compared with which: codes, no figures."""

from common import cells_of, xlsx

cells_of("england/statistical_neighbours_2025.xlsx", "openpyxl", xlsx)
