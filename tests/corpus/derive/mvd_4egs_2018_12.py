"""Crimes of minors and others by area, January to December 2018."""

from mvd_4egs import derive

derive("russia/mvd_4egs_2018_12.xls", "2018", "январь - декабрь 2018 года",
       {"Сибирский федеральный округ": "RU-X-SIFD",
        "Дальневосточный федеральный округ": "RU-X-FEFD"})
