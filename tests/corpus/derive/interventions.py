"""Which authorities took part in which programme, and since when: no figures."""

from common import cells_of

cells_of("england/interventions.csv", "Python's csv")
