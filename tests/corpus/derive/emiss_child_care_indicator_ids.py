"""Numbers of indicators of EMISS: no figures."""

from common import cells_of

cells_of("russia/emiss_child_care_indicator_ids.csv", "Python's csv")
