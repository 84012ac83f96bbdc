"""One file on its way: drafted, checked, extracted, loaded as drafted, and compared."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.portals.reference import Compared, compare
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset
from civiclake.engine.session import connect
from civiclake.io.lake import tables
from civiclake.settings import Settings, project_root

DEPARTMENT = "portal"


@dataclass
class Outcome:
    """What became of one file."""

    file: str
    refused: str = ""
    """The sentence with which it was refused; empty where it was loaded."""
    has_contract: bool = False
    """Whether ``new`` wrote one: its refusal is a right answer, one of extract or load is none."""
    key: str = ""
    compared: Compared | None = None
    account: dict[str, Any] = field(default_factory=dict)
    load_seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether each row of the file is served, or set aside with a reason, and nothing else."""
        if self.compared is None:
            return bool(self.refused) and not self.has_contract
        aside = self.account.get("quarantined", 0)
        return self.compared.extra == 0 and self.compared.missing == aside


class Trial:
    """A city of its own, into which portals' files are drafted and loaded.

    Args:
        settings: an installation whose engines are up.
        env: the variables by which a command finds it.
    """

    def __init__(self, settings: Settings, env: Mapping[str, str]) -> None:
        self.schemas = settings.state_dir / "schemas"
        shutil.copytree(settings.schemas_dir / "_columns", self.schemas / "_columns")
        shutil.copytree(settings.schemas_dir / "_codes", self.schemas / "_codes")
        self.drops = settings.state_dir / "drops"
        self.settings = settings
        own = {
            "CIVICLAKE_SCHEMAS_DIR": str(self.schemas),
            "CIVICLAKE_EXPECTATIONS_DIR": str(settings.state_dir / "no-suites"),
            "CIVICLAKE_MARTS_DIR": str(settings.state_dir / "no-marts"),
            "CIVICLAKE_DROPS": str(self.drops),
        }
        self.env = {**env, **own}
        self._batches = 0

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One ``civiclake`` command."""
        program = str(project_root() / "bin" / "civiclake")
        return subprocess.run(
            [program, *words], env=self.env, capture_output=True, text=True, check=False
        )

    def draft(self, path: Path) -> str:
        """Let ``new`` write the contract.

        Returns:
            The sentence of a refusal, or nothing.
        """
        done = self.run("new", f"{DEPARTMENT}.{name_of(path)}", "--from", str(path), "--force")
        return "" if done.returncode == 0 else _last(done.stderr)

    def change(self, path: Path, **said: Any) -> None:
        """Set fields of the contract's ``civiclake`` entry, as a person who reviews it would."""
        file = self.schemas / DEPARTMENT / f"{name_of(path)}.yaml"
        contract = yaml.safe_load(file.read_text(encoding="utf-8"))
        contract["customProperties"][0]["value"].update(said)
        file.write_text(yaml.safe_dump(contract, sort_keys=False, allow_unicode=True))

    def dataset(self, path: Path) -> Dataset:
        """The compiled contract."""
        nothing = self.settings.state_dir / "none"
        return load_city(self.schemas, nothing, nothing).dataset(f"{DEPARTMENT}.{name_of(path)}")

    def deliver(self, path: Path) -> None:
        """Drop the file where its contract looks for it."""
        folder = self.drops / DEPARTMENT
        shutil.rmtree(folder, ignore_errors=True)  # a pattern may fit the file before it as well
        folder.mkdir(parents=True)
        shutil.copyfile(path, folder / path.name)
        time.sleep(2.1)  # a file that was written just now may still grow

    def night(self, path: Path) -> tuple[str, dict[str, Any]]:
        """Extract and load what was delivered.

        Returns:
            The sentence of a refusal, or nothing, and the account.
        """
        self._batches += 1
        batch = f"trial-{self._batches:04d}"
        account: dict[str, Any] = {}
        for verb in ("extract", "load"):
            done = self.run(verb, f"{DEPARTMENT}.{name_of(path)}", "--batch-id", batch)
            if done.returncode:
                return f"{verb}: {_last(done.stderr)}", account
            account = json.loads(done.stdout.splitlines()[-1])
        return "", account

    def compared(self, known_as: Path, path: Path) -> Compared:
        """The served table of a file's dataset beside what was delivered last."""
        dataset = self.dataset(known_as)
        spark = connect(self.settings)
        try:
            table = spark.table(tables.by_path(self.settings, tables.UNIFIED, dataset.table))
            return compare(path, dataset, table.toArrow())
        finally:
            spark.stop()


def try_file(trial: Trial, path: Path) -> Outcome:
    """The whole way of one file."""
    found = Outcome(path.name)
    found.refused = trial.draft(path)
    if found.refused:
        return found
    found.has_contract = True
    dataset = trial.dataset(path)
    found.key = ", ".join(dataset.key)
    load(trial, path, path, found)
    return found


def load(trial: Trial, known_as: Path, content: Path, found: Outcome) -> None:
    """Deliver a file, load it, and write down what came of it.

    Args:
        trial: the city.
        known_as: the file after which the dataset is named.
        content: the file that is delivered.
        found: takes the account and the comparison, or the sentence of a refusal.
    """
    trial.deliver(content)
    begun = time.monotonic()
    found.refused, found.account = trial.night(known_as)
    found.load_seconds = round(time.monotonic() - begun, 1)
    if not found.refused:
        found.compared = trial.compared(known_as, content)


def name_of(path: Path) -> str:
    """A dataset's name out of a file's."""
    plain = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
    return plain if plain[0].isalpha() else f"of_{plain}"


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return " ".join(lines[-3:])[-600:] if lines else "no word"
