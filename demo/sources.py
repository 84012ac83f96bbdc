"""The departments' systems of the sample city: started, brought to a night, stopped."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

from pydantic import BaseModel

from civiclake.errors import UserError
from civiclake.local import process
from civiclake.settings import Settings
from demo.city.answers import answers
from demo.city.model import Model
from demo.city.residents import City
from demo.city.truth import Truth
from demo.systems.clinic import Clinic
from demo.systems.databases import Databases
from demo.systems.folders import Folders
from demo.systems.registers import Registers
from demo.systems.site import Site, System, write
from demo.systems.store import Store
from demo.systems.transfer import Transfer

SEED = 20160101
RESIDENTS = 2000
PORTS = ("POSTGRES", "MARIADB", "S3", "SFTP", "REST")
"""Names of the ports that ``CIVICLAKE_DEMO__<NAME>_PORT`` may ask for."""
SYSTEMS: tuple[System, ...] = (Databases(), Clinic(), Store(), Transfer(), Registers(), Folders())


MADE = 2
"""Raised when the same seed makes another city than before: its systems can't be carried on."""


class State(BaseModel):
    """Which city the systems hold, and up to which night."""

    seed: int
    residents: int
    night: int = 0
    made: int = 1


def start(settings: Settings) -> dict[str, str]:
    """Start what does not run yet; each system's address, by name."""
    site = Site(settings)
    return {system.name: system.start(site) for system in SYSTEMS}


def stop(settings: Settings) -> list[str]:
    """Stop what was started here, and nothing else; the names of what was running."""
    site = Site(settings)
    if not site.run_dir.exists():
        return []
    return [system.name for system in reversed(SYSTEMS) if system.stop(site)]


def status(settings: Settings) -> dict[str, process.Running | None]:
    """The systems' processes; a folder has none."""
    site = Site(settings)
    return {s.name: s.running(site) for s in SYSTEMS if not isinstance(s, Folders)}


def environment(settings: Settings) -> dict[str, str]:
    """What the contracts' ``${NAME}`` and connections stand for in the sample city."""
    site = Site(settings)
    return {name: value for system in SYSTEMS for name, value in system.environment(site).items()}


def prepare(
    settings: Settings, night: int, residents: int | None = None, *, seed: int | None = None
) -> Truth:
    """Bring all systems (they must run) to the state of a night.

    Args:
        settings: where the state is.
        night: 1 or later; a state that is later already stays.
        residents: how many people live there; default: as many as there are.
        seed: which city; default: the one that is there.

    Returns:
        What must come of that night, when every night before was loaded.

    Raises:
        UserError: the systems hold another city already, or the city can't be so small.
    """
    if night < 1:
        raise UserError(f"night {night} is not allowed: the first night is 1")
    state = size(settings, residents, seed)
    try:
        model = Model(City(state.seed, state.residents))
    except ValueError as error:
        raise UserError(str(error)) from None
    site = Site(settings)
    for number in range(state.night + 1, night + 1):
        for system in SYSTEMS:
            system.prepare(site, model, number)
        write(truth_path(settings, number), model.truth(number).model_dump_json(indent=1))
        _write_who_is_who(settings, model, number)
        write(_signals_path(settings), json.dumps(model.signals(), indent=1))
        if number == 1:
            write(answers_path(settings), json.dumps(answers(model), ensure_ascii=False))
        state.night = number
        write(_state_path(settings), state.model_dump_json())
    return read_truth(settings, night)


def read_truth(settings: Settings, night: int) -> Truth:
    """What must come of a night that was prepared.

    Raises:
        UserError: that night was never prepared.
    """
    path = truth_path(settings, night)
    if not path.exists():
        raise UserError(f"night {night} is not prepared: run `python -m demo prepare {night}`")
    return Truth.model_validate_json(path.read_bytes())


def read_answers(settings: Settings) -> str:
    """What the applications must find, as JSON.

    Raises:
        UserError: the first night was never prepared.
    """
    path = answers_path(settings)
    if not path.exists():
        raise UserError("night 1 is not prepared: run `python -m demo prepare 1`")
    return path.read_text()


def truth_path(settings: Settings, night: int) -> Path:
    """The file of a night's truth."""
    return _truth_dir(settings) / f"truth-night-{night}.json"


def who_path(settings: Settings) -> Path:
    """The file that says whom each record is about: dataset, key, number of the resident."""
    return _truth_dir(settings) / "who-is-who.csv.gz"


def answers_path(settings: Settings) -> Path:
    """The file that says what the applications must find in the first night's records."""
    return _truth_dir(settings) / "answers.json"


def drops_dir(settings: Settings) -> Path:
    """Where the departments without a server drop their files."""
    return Site(settings).drops


def _truth_dir(settings: Settings) -> Path:
    return settings.state_dir / "demo"


def _signals_path(settings: Settings) -> Path:
    return _truth_dir(settings) / "signals.json"


def _state_path(settings: Settings) -> Path:
    return _truth_dir(settings) / "city.json"


def size(settings: Settings, residents: int | None = None, seed: int | None = None) -> State:
    """Which city the systems hold, or will hold.

    Raises:
        UserError: they hold another one than is asked for, or one of another version.
    """
    path = _state_path(settings)
    if not path.exists():
        return State(
            seed=SEED if seed is None else seed, residents=residents or RESIDENTS, made=MADE
        )
    state = State.model_validate_json(path.read_bytes())
    if state.made != MADE:
        raise UserError(
            "the systems hold a sample city that another version of CivicLake made: run `make"
            " clean` to begin anew, or go on with that version"
        )
    wanted = (residents or state.residents, state.seed if seed is None else seed)
    if wanted != (state.residents, state.seed):
        raise UserError(
            f"the systems hold a city of {state.residents} residents (seed {state.seed}), not of "
            f"{wanted[0]} (seed {wanted[1]}): ask for that one, or run `make clean` to begin anew"
        )
    return state


def _write_who_is_who(settings: Settings, model: Model, night: int) -> None:
    path = who_path(settings)
    fresh = path.with_name(path.name + ".tmp")
    with gzip.open(fresh, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        writer = csv.writer(file)
        writer.writerow(("dataset", "key", "resident"))
        writer.writerows(model.who_is_who(night))
    fresh.replace(path)
