"""The statistics of the benchmark, by other packages on the same numbers.

usage: statistics.py SERIES POINTS ROWS

Prints a line a peer: name, seconds, and three sums to be compared (nan where it has none).
"""

import sys
import time

import numpy as np
import pymannkendall
from scipy import stats

series, points, rows = map(int, sys.argv[1:])

t = np.arange(points)


def values(s):
    noise = (s * 7919 + t * t * 104729) % 1009
    return noise / 10.0 + t * (s % 7 - 3) / 4.0


panel = [values(s) for s in range(series)]

start = time.perf_counter()
tests = [pymannkendall.original_test(y) for y in panel]
took = time.perf_counter() - start
print(f"pymannkendall, {series:,} series", took, sum(x.z for x in tests), sum(x.slope for x in tests), "nan", sep="\t")

start = time.perf_counter()
slopes = [stats.theilslopes(y, t) for y in panel]
took = time.perf_counter() - start
print(f"scipy theilslopes, {series:,} series", took, "nan", sum(x.slope for x in slopes), sum(x.high_slope for x in slopes), sep="\t")

row = np.arange(rows, dtype=np.int64)
events = ((row * 7919) % 400).astype(float)
population = (20000 + (row * 31) % 50000).astype(float)
start = time.perf_counter()
z = stats.norm.ppf(0.975)
safe = np.maximum(events, 1.0)
low = safe * (1 - 1 / (9 * safe) - z / (3 * np.sqrt(safe))) ** 3
after = events + 1
high = after * (1 - 1 / (9 * after) + z / (3 * np.sqrt(after))) ** 3
few = events < 10
low[few] = np.where(events[few] > 0, stats.chi2.ppf(0.025, 2 * safe[few]) / 2, 0.0)
high[few] = stats.chi2.ppf(0.975, 2 * after[few]) / 2
sums = [float((x / population * 10000).sum()) for x in (events, low, high)]
took = time.perf_counter() - start
print(f"rates with limits by numpy and scipy, {rows:,} rows", took, *sums, sep="\t")
