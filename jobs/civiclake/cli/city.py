"""Which contracts a command works by."""

from __future__ import annotations

import os
from pathlib import Path

from civiclake.contracts import code_store, manifest
from civiclake.contracts.city import fingerprint
from civiclake.contracts.faults import choice, did_you_mean
from civiclake.contracts.load import load_city
from civiclake.contracts.model import Dataset, Manifest
from civiclake.errors import UserError
from civiclake.settings import Settings

DEPLOYED = "CIVICLAKE_MANIFEST"
"""Set for tasks of the night: they work by the manifest that their DAG was built from, so
that a contract in the midst of being edited stops nobody."""


def read(settings: Settings) -> Manifest:
    """The city, compiled anew when a file has changed since.

    Raises:
        ContractError: with every fault of every file; nothing is run.
    """
    deployed = os.environ.get(DEPLOYED)
    if deployed:
        return manifest.read(Path(deployed))
    path = settings.manifest_path
    if path.exists():
        found = manifest.read(path)
        now = fingerprint(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
        if found.fingerprint == now:
            return found
    return compile_city(settings)


def compile_city(settings: Settings) -> Manifest:
    """Compile all contracts and write the manifest."""
    city = load_city(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
    code_store.keep(settings, city)
    manifest.write(city, settings.manifest_path)
    return city


def dataset(settings: Settings, dataset_id: str) -> Dataset:
    """The dataset of that id.

    Raises:
        UserError: there is none.
    """
    city = read(settings)
    known = {d.id: d for d in city.datasets}
    if dataset_id not in known:
        hint = did_you_mean(dataset_id, known)
        raise UserError(f"there is no dataset {dataset_id!r}; allowed are {choice(known)}{hint}")
    return known[dataset_id]
