"""Crimes of minors and others by area, January to August 2016."""

from mvd_4egs import derive

derive("russia/mvd_4egs_2016_08.xls", "2016-01-01/P8M", "январь - август 2016 года",
       {"Южный федеральный округ": "RU-X-SFD"})
