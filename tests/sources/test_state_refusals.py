"""The state's database: what is wrong with it, or with its settings, in a sentence."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from civiclake.errors import StateUnavailable, UserError
from civiclake.io.lake.lock import table_lock
from civiclake.local import ports, postgres
from civiclake.settings import Settings, load_settings
from civiclake.settings_stores import StateSettings
from civiclake.state import database


def _elsewhere(shared: Settings, old: str, new: str) -> Settings:
    url = shared.state.url
    assert old in url
    return shared.model_copy(update={"state": StateSettings(url=url.replace(old, new))})


def _port(shared: Settings) -> str:
    found = re.search(r":(\d+)/", shared.state.url)
    assert found
    return found[1]


def test_two_that_are_first_at_once_make_one_installation(shared: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: database.identity(shared), range(4)))
    assert len(found) == 1


def test_a_server_that_is_down_is_worth_another_try(shared: Settings) -> None:
    down = _elsewhere(shared, _port(shared), str(ports.free_port(0)))
    said = r"does not answer .*: try again when it is up"
    with pytest.raises(StateUnavailable, match=said) as e, table_lock(down, "t", holder="n1"):
        pass
    assert e.value.exit_code == 75


def test_a_wrong_password_names_its_variable_and_is_not_told(
    shared: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIVICLAKE_STATE_PASSWORD", "guessed-wrongly")
    with pytest.raises(UserError, match="refuses the password of civiclake_state: correct") as e:
        database.identity(shared)
    assert "CIVICLAKE_STATE_PASSWORD" in str(e.value)
    assert "guessed" not in str(e.value)
    monkeypatch.delenv("CIVICLAKE_STATE_PASSWORD")
    with pytest.raises(UserError, match="set CIVICLAKE_STATE_PASSWORD"):
        database.identity(shared)


def test_a_database_that_is_not_there(shared: Settings) -> None:
    lost = _elsewhere(shared, f"{_port(shared)}/civiclake_state", f"{_port(shared)}/nowhere")
    with pytest.raises(UserError, match=r"the state's database nowhere .* make the database"):
        database.identity(lost)


def test_a_user_who_may_not_make_our_tables(shared: Settings, server: postgres.Server) -> None:
    postgres.create_database(server, "others")
    others = _elsewhere(shared, f"{_port(shared)}/civiclake_state", f"{_port(shared)}/others")
    said = "run CREATE SCHEMA civiclake AUTHORIZATION civiclake_state"
    with pytest.raises(UserError, match=said):
        database.identity(others)
    with server.connect("others") as connection:
        connection.execute("CREATE SCHEMA civiclake AUTHORIZATION civiclake_state")
    assert database.identity(others) != database.identity(shared)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("STATE__URL", "postgresql://me:secret-word@h/db", "a password does not belong here"),
        ("STATE__URL", "postgresql://me@h/db?password=secret-word", "a password does not belong"),
        ("STATE__URL", "postgresql://h/db", r"postgresql://user@host:port/database \(a user is"),
        ("STATE__URL", "mysql://me@h/db", "allowed is postgresql://user@host:port/database"),
        ("LANDING__URL", "s3://", "allowed is s3://bucket/folder"),
        ("LANDING__URL", "https://bucket/x", "allowed is s3://bucket/folder"),
        ("LANDING__URL", "s3://bucket/x", "landing.url is set, but state.url is not"),
    ],
)
def test_half_of_the_settings_are_refused(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CIVICLAKE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv(f"CIVICLAKE_{name}", value)
    with pytest.raises(UserError, match=said) as caught:
        load_settings()
    assert "secret-word" not in str(caught.value)
