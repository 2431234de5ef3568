"""The intervention effects of the benchmark, by other packages on the same numbers.

usage: effects.py FOLDER

FOLDER holds mpdta.csv, prop99.csv, panel.csv and big.csv, as the benchmark writes them. Prints a line
a peer: the case, the name, seconds, and figures to be compared with a relative tolerance (nan where the
peer gives none or draws at random).
"""

import contextlib
import importlib.util
import io
import sys
import time
import warnings

sys.path.pop(0)  # the `statistics` beside this file is not the one that packages mean

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
folder = sys.argv[1]
mpdta = pd.read_csv(f"{folder}/mpdta.csv")
prop99 = pd.read_csv(f"{folder}/prop99.csv")
panel = pd.read_csv(f"{folder}/panel.csv")


def has(package):
    return importlib.util.find_spec(package) is not None


def report(case, name, run, times=3):
    took = []
    for _ in range(times):
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            figures = run()
        took.append(time.perf_counter() - start)
    figures = (list(figures) + [float("nan")] * 2)[:2]
    print(case, name, sorted(took)[len(took) // 2], *figures, sep="\t", flush=True)


cohort0 = panel.assign(g=panel.g.fillna(0))
if has("diff_diff"):
    import diff_diff

    def callaway(data, y, unit, t, g, covariates, draws):
        model = diff_diff.CallawaySantAnna(n_bootstrap=draws, seed=1)
        data = data.assign(**{g: data[g].fillna(0)})
        result = model.fit(data, y, unit, t, g, covariates=covariates)
        return [result.overall_att]

    report("callaway_draws", "diff-diff", lambda: callaway(mpdta, "lemp", "county", "year", "g", None, 999))
    report("callaway_panel", "diff-diff", lambda: callaway(panel, "y", "unit", "time", "g", ["x"], 0))

    def sdid():
        data = prop99.assign(treated=(prop99.state == "California").astype(int))
        model = diff_diff.SyntheticDiD(variance_method="placebo", n_bootstrap=200, seed=1)
        years = list(range(1989, 2001))
        result = model.fit(data, "packs", "treated", "state", "year", post_periods=years)
        return [result.att]

    report("sdid_placebos", "diff-diff (another regularisation)", lambda: [float("nan")] if sdid() is None else [float("nan")])

if has("moderndid"):
    import moderndid

    data = mpdta.assign(g=mpdta.g.fillna(0))

    def modern():
        result = moderndid.att_gt(
            data, "lemp", "year", "county", "g", boot=True, biters=999, est_method="dr", random_state=1
        )
        return [moderndid.aggte(result, type="simple").overall_att]

    try:
        report("callaway_draws", "moderndid", modern)
    except Exception as error:
        print(f"moderndid: {error}", file=sys.stderr)

if has("differences"):
    from differences import ATTgt

    indexed = mpdta.set_index(["county", "year"])

    def differences():
        model = ATTgt(data=indexed, cohort_column="g")
        model.fit("lemp", est_method="dr", boot_iterations=999, random_state=1, progress_bar=False)
        return [float(np.asarray(model.aggregate("simple"))[0, 0])]

    try:
        report("callaway_draws", "differences", differences)
    except Exception as error:
        print(f"differences: {error}", file=sys.stderr)

if has("pyfixest"):
    import pyfixest as pf

    def twfe(data):
        fit = pf.feols("y ~ d | unit + time", data, vcov={"CRV1": "unit"})
        return [fit.coef().iloc[0], fit.se().iloc[0]]

    report("twfe_panel", "pyfixest", lambda: twfe(panel))
    big = pd.read_csv(f"{folder}/big.csv")
    report("twfe_big", "pyfixest", lambda: twfe(big))

    if has("wildboottest"):
        fit = pf.feols("lemp ~ d | county + year", mpdta, vcov={"CRV1": "county"})
        report("wild", "pyfixest", lambda: [fit.coef().iloc[0], fit.wildboottest(reps=999, seed=1)["t value"] * 0 + float("nan")], 1)

if has("pysyncon"):
    from pysyncon import Synth

    wide = prop99.pivot(index="year", columns="state", values="packs")
    before = wide.loc[:1988]

    def synth():
        states = list(wide.columns)
        gaps = {}
        for state in states:
            donors = [s for s in states if s not in (state, "California")]
            model = Synth()
            ones = np.ones(len(before)) / len(before)
            model.fit(X0=before[donors], X1=before[state], Z0=before[donors], Z1=before[state], custom_V=ones)
            gaps[state] = wide[state] - wide[donors] @ model.W
        # It divides each year by its spread first: another answer (-19.56 against -19.51).
        return [gaps["California"].loc[1989:].mean() * float("nan")]

    report("synthetic_control", "pysyncon (years scaled by their spread)", synth, 1)
