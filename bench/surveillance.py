"""``python -m bench.surveillance``: a thousand series watched, beside R's surveillance.

Both judge the last week of the same series of five years by EARS C1, C2 and C3 and by Farrington's
flexible algorithm; CPU seconds are those of the judging alone, R's start and packages left out.
Wants ``Rscript`` and the package (Debian: ``r-cran-surveillance``). Results go to
``bench/results/surveillance.json``.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from civiclake.cli.console import say, show_table
from civiclake.errors import UserError
from civiclake.statistics.ears import METHODS, ears
from civiclake.statistics.farrington import FLEXIBLE, judge
from civiclake.statistics.measured import Floats

RESULTS = Path(__file__).parent / "results" / "surveillance.json"
SCRIPT = Path(__file__).with_name("surveillance.R")
FIRST = date(2011, 1, 3)
WEEKS, RUNS, RUNS_OF_R = 260, 3, 1
AT_MOST = 0.5
"""Of R's CPU seconds."""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command()
def main(series: Annotated[int, typer.Option(help="how many")] = 1000) -> None:
    """Measure both, compare what they found, print a table, and keep it."""
    if shutil.which("Rscript") is None:
        raise UserError("Rscript is not there; apt-get install r-cran-surveillance brings it")
    counts = made(series)
    ours, mine = _ours(counts)
    theirs, other = _theirs(counts)
    # C3's bound stands elsewhere in R (docs/guides/methods.md), so it is not compared.
    compared = [0, 1, 3]
    # R judges no series with fewer than five cases in four weeks; here all have a bound.
    both = ~np.isnan(other[:, compared])
    same = np.isclose(mine[:, compared], other[:, compared], rtol=1e-6, atol=1e-6)[both]
    found = {
        "series": series,
        "weeks": WEEKS,
        "cpu_seconds": round(ours, 2),
        "cpu_seconds_of_r": round(theirs, 2),
        "share": round(ours / theirs, 3),
        "bounds_of_r": int(both.sum()),
        "same_bounds": int(same.sum()),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    show_table(list(found), [list(map(str, found.values()))])
    say(f"{ours / theirs:.1%} of R's CPU; at most {AT_MOST:.0%} are promised")


def made(series: int) -> Floats:
    """Weekly counts with season, trend, overdispersion and an outbreak here and there."""
    chance = np.random.default_rng(20160101)
    weeks = np.arange(WEEKS)
    level = np.exp(chance.uniform(-1, 4, (series, 1)))
    season = chance.uniform(0, 0.6, (series, 1)) * np.cos(2 * np.pi * weeks / 52.18)
    trend = chance.normal(0, 0.1, (series, 1)) * weeks / 52
    over = chance.uniform(0.05, 0.5, (series, 1))
    mean = level * np.exp(season + trend)
    counts = chance.poisson(mean * chance.gamma(1 / over, over, mean.shape))
    counts[::7, 120:124] *= 4
    return counts.astype(float)


def _ours(counts: Floats) -> tuple[float, Floats]:
    days = [FIRST + timedelta(weeks=n) for n in range(WEEKS)]
    rule = replace(FLEXIBLE, years=4)
    spent = []
    for _ in range(RUNS):
        begun = time.process_time()
        bounds = [ears(counts, method).upper[:, -1] for method in METHODS]
        bounds.append(judge(counts, WEEKS - 1, rule, days).upper)
        spent.append(time.process_time() - begun)
    return sorted(spent)[RUNS // 2], np.column_stack(bounds)


def _theirs(counts: Floats) -> tuple[float, Floats]:
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "series.csv", Path(folder) / "bounds.csv"
        with given.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([f"s{n}" for n in range(len(counts))])
            writer.writerows(counts.T.astype(int).tolist())
        spent = []
        for _ in range(RUNS_OF_R):
            done = subprocess.run(
                ["Rscript", str(SCRIPT), str(given), str(told)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                raise UserError(f"R ended with {done.returncode}: {done.stderr.strip()[-300:]}")
            spent.append(float(done.stdout.split()[-1]))
        with told.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
    numbers = [[np.nan if value == "NA" else float(value) for value in row[1:]] for row in rows]
    return sorted(spent)[RUNS_OF_R // 2], np.asarray(numbers)


if __name__ == "__main__":
    app()
