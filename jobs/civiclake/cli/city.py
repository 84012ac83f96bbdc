"""Which contracts a command works by."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from civiclake.contracts import code_store, manifest
from civiclake.contracts.city import fingerprint
from civiclake.contracts.load import load_sound
from civiclake.contracts.model import Dataset, Manifest
from civiclake.contracts.read.faults import choice, did_you_mean
from civiclake.errors import ContractError, UserError
from civiclake.settings import Settings

log = logging.getLogger(__name__)

DEPLOYED = "CIVICLAKE_MANIFEST"
"""Set for tasks of the night: they work by the manifest that their DAG was built from, so
that a contract in the midst of being edited stops nobody."""


def read(settings: Settings) -> Manifest:
    """The city, compiled anew when a file has changed since.

    A contract that is faulty now stands in it as it was last; its faults are told as a warning.

    Raises:
        ContractError: no contract is sound.
    """
    found = _read(settings)
    if found.faults and not _is_deployed():
        told = problems(found)
        log.warning(
            "%d faults in contracts, of which all others are free (the first: %s); `civiclake"
            " check` lists them",
            len(told),
            told[0],
        )
    return found


def _read(settings: Settings) -> Manifest:
    deployed = os.environ.get(DEPLOYED)
    if deployed:
        return manifest.read(Path(deployed))
    former = _former(settings)
    now = fingerprint(settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
    return former if former and former.fingerprint == now else compile_city(settings)


def _is_deployed() -> bool:
    return bool(os.environ.get(DEPLOYED))


def _former(settings: Settings) -> Manifest | None:
    path = settings.manifest_path
    return manifest.read(path) if path.exists() else None


def compile_city(settings: Settings) -> Manifest:
    """Compile all contracts that are sound and write the manifest.

    Raises:
        ContractError: no contract is sound.
    """
    where = (settings.schemas_dir, settings.expectations_dir, settings.marts_dir)
    city = load_sound(*where, former=_last(settings))
    code_store.keep(settings, city)
    manifest.write(city, settings.manifest_path)
    return city


def _last(settings: Settings) -> Manifest | None:
    """What was compiled before; a manifest of another version of CivicLake is none."""
    try:
        return _former(settings)
    except UserError:
        return None


def problems(made: Manifest) -> list[str]:
    """Every fault of a city, once."""
    told = (problem for found in made.faults.values() for problem in found)
    return list(dict.fromkeys(told))


def dataset(settings: Settings, dataset_id: str) -> Dataset:
    """The dataset of that id.

    Raises:
        ContractError: its contract is faulty, or something that it leans on.
        UserError: there is none.
    """
    city = read(settings)
    _refuse_faulty(city, dataset_id)
    known = {d.id: d for d in city.datasets}
    if dataset_id not in known:
        hint = did_you_mean(dataset_id, known)
        raise UserError(f"there is no dataset {dataset_id!r}; allowed are {choice(known)}{hint}")
    return known[dataset_id]


def with_mart(settings: Settings, name: str) -> Manifest:
    """The city, if the folder of a mart is sound.

    Raises:
        ContractError: it is faulty.
    """
    city = read(settings)
    _refuse_faulty(city, f"marts.{name}")
    return city


def _refuse_faulty(city: Manifest, name: str) -> None:
    if name in city.faults and not _is_deployed():
        raise ContractError(city.faults[name])
