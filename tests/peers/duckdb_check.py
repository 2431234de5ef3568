"""Another engine reads the released Parquet and must find the same counts and sums.

Usage: duckdb_check.py OPEKA PROJECT WAREHOUSE

Asks `opeka query` and DuckDB the same questions of the same release and compares the answers; also
holds a few headline figures, read here without any code of the project.
"""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import duckdb

opeka, project, warehouse = sys.argv[1:4]
release = Path(warehouse) / "releases" / (Path(warehouse) / "current").read_text().strip()
manifest = json.loads((release / "manifest.json").read_text())
connection = duckdb.connect()

tables = {
    output["table"]: (output["path"], output["rows"])
    for step in manifest["steps"]
    for output in step["outputs"]
    if "table" in output
}
tables["observations"] = ("observations/*.parquet", None)
for name, (path, _) in tables.items():
    schema, _, table = name.rpartition(".")
    if schema:
        connection.execute(f'create schema if not exists "{schema}"')
    target = f'"{schema}"."{table}"' if schema else f'"{table}"'
    connection.execute(f"create view {target} as select * from read_parquet('{release / path}')")


def ask_opeka(sql):
    command = [opeka, "query", "--project", project, "--warehouse", warehouse, "--format", "csv", "-c", sql]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(csv.reader(io.StringIO(answer)))[1:]


def same(a, b):
    if a in ("", None) or b in ("", None):
        return a in ("", None) and b in ("", None)
    try:
        return math.isclose(float(a), float(b), rel_tol=1e-12, abs_tol=1e-9)
    except ValueError:
        return str(a) == str(b)


questions = [f"select count(*) from {name}" for name in sorted(tables)]
questions += [
    "select dataset, indicator, count(*), count(obs_value), sum(obs_value), min(obs_value), max(obs_value) "
    "from observations group by dataset, indicator order by dataset, indicator",
    "select obs_status, count(*) from observations group by obs_status order by obs_status",
    "select time_period, sum(obs_value) from observations where is_leading and indicator = 'cla_31_march' "
    "group by time_period order by time_period",
    "select ref_area, time_period, children, rate from england_care.looked_after "
    "where level in ('country', 'region') order by ref_area, time_period",
    "select time_period, found, change_per_year from russia_care.children_found order by time_period",
    "select sum(share), count(distinct care_form) from russia_care.placement_shares",
]
passed = failed = 0
for question in questions:
    ours = ask_opeka(question)
    theirs = connection.execute(question).fetchall()
    ok = len(ours) == len(theirs) and all(
        len(a) == len(b) and all(same(x, y) for x, y in zip(a, b)) for a, b in zip(ours, theirs)
    )
    passed, failed = passed + ok, failed + (not ok)
    if not ok:
        print(f"DIFFERS: {question}\n  opeka:  {ours[:5]}\n  duckdb: {theirs[:5]}")

for name, (_, rows) in tables.items():
    if rows is not None:
        found = connection.execute(f"select count(*) from {name}").fetchone()[0]
        passed, failed = passed + (found == rows), failed + (found != rows)

headlines = {
    "select obs_value from observations where indicator = 'found_without_care' and time_period = '2010'": 101017,
    "select obs_value from observations where indicator = 'placed_without_care' "
    "and care_form = 'institutions' and time_period = '2010'": 26622,
    "select obs_value from observations where indicator = 'cla_31_march' and ref_area = 'E92000001' "
    "and time_period = '2025' and is_leading": 81770,
}
for question, expected in headlines.items():
    found = connection.execute(question).fetchall()
    ok = found == [(float(expected),)]
    passed, failed = passed + ok, failed + (not ok)
    if not ok:
        print(f"DIFFERS: {question}\n  expected {expected}, found {found}")

print(f"duckdb {duckdb.__version__} on release {release.name}:")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
