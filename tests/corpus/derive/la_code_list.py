"""The numbers and kinds of authorities: codes, no figures."""

from common import cells_of, xlsx

cells_of("england/la_code_list.xlsx", "openpyxl", xlsx)
