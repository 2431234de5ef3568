"""Women on 1 January by area, from an SDMX-ML 1.0 answer: one series an observation."""

from lxml import etree

from common import CORPUS, Areas, Expected

FILE = "russia/emiss_33459_women_by_age.sdmx.xml"

areas = Areas("russia")
out = Expected(
    FILE, "lxml: every generic:Series with its key and its one Obs; all 117 codes of the inline list "
    "are in the code list of areas")
local = lambda element: etree.QName(element).localname
series = [e for e in etree.parse(CORPUS / FILE).getroot().iter() if local(e) == "Series"]
for at, element in enumerate(series, 1):
    key = {v.get("concept"): v.get("value") for v in element.iter() if local(v) == "Value"}
    assert (key["s_vozr"], key["s_mest"]) == ("1", "w2:p_mest:11")
    [obs] = [o for o in element.iter() if local(o) == "Obs"]
    time = next(t.text for t in obs if local(t) == "Time")
    value = float(next(v.get("value") for v in obs if local(v) == "ObsValue"))
    out.add("women", areas.find(key["s_OKATO"], time), time, value,
            f"/GenericData/DataSet/Series[{at}]/Obs[1]/ObsValue/@value")
keys = list(out.seen)
out.spots.extend([keys[0], keys[1], keys[-1], keys[len(keys) // 2]])
for code in ["RU-X-ER-CENTRAL", "RU-X-SFD-2000", "RU-X-CE-IN", "RU-TYU-X-EXCL-KHM-YAN"]:
    out.spots.extend([k for k in keys if k[1] == code][:1])
out.outside_validity(areas)
out.print()
