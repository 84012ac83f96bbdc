"""The file of analysts, without a server."""

from __future__ import annotations

import hashlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from civiclake import secrets
from civiclake.engine import analysts
from civiclake.errors import UserError
from civiclake.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


def _matches(line: str, name: str, password: str) -> bool:
    """As the server checks it."""
    user, iterations, salt, expected = line.split(":")
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), int(iterations))
    return user == name and made.hex() == expected


def test_file_holds_salted_hashes_and_no_password(settings: Settings) -> None:
    first = analysts.add(settings, "anna", "a-long-password")
    analysts.add(settings, "bert", "a-long-password")
    lines = analysts.path(settings).read_text().splitlines()
    assert first == "a-long-password"
    assert [_matches(line, n, first) for line, n in zip(lines, ("anna", "bert"), strict=True)] == [
        True,
        True,
    ]
    assert lines[0].split(":")[2:] != lines[1].split(":")[2:]
    assert first not in analysts.path(settings).read_text()
    assert stat.S_IMODE(analysts.path(settings).stat().st_mode) == 0o640


def test_password_is_made_when_none_is_given_and_replaced_by_the_next(settings: Settings) -> None:
    first, second = analysts.add(settings, "anna"), analysts.add(settings, "anna")
    (line,) = analysts.path(settings).read_text().splitlines()
    assert first != second
    assert len(second) >= 20
    assert not _matches(line, "anna", first)
    assert _matches(line, "anna", second)


@pytest.mark.parametrize(
    "name", ["", "Anna", "1st", "a b", "a:b", "ann\n", "a" * 33, "änne", "../x"]
)
def test_name_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(UserError, match="a name is 1 to 32 of a-z"):
        analysts.add(settings, name)
    assert analysts.names(settings) == []


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 257])
def test_password_is_refused_and_not_repeated(settings: Settings, password: str) -> None:
    with pytest.raises(UserError, match=f"this one has {len(password)}") as refused:
        analysts.add(settings, "anna", password)
    assert not password or password not in str(refused.value)


def test_removing(settings: Settings) -> None:
    analysts.add(settings, "anna")
    analysts.add(settings, "bert")
    analysts.remove(settings, "anna")
    assert analysts.names(settings) == ["bert"]
    with pytest.raises(UserError, match="'anna' is not known; known: bert"):
        analysts.remove(settings, "anna")


def test_first_start_makes_one_analyst_and_the_second_none(settings: Settings) -> None:
    analysts.ensure_default(settings)
    before = analysts.path(settings).read_text()
    analysts.ensure_default(settings)
    assert analysts.names(settings) == [analysts.DEFAULT]
    assert analysts.path(settings).read_text() == before
    assert _matches(before.strip(), analysts.DEFAULT, secrets.get(settings, "analyst_password"))


def test_many_at_once_lose_nobody(settings: Settings) -> None:
    names = [f"analyst{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: analysts.add(settings, name), names))
    assert analysts.names(settings) == sorted(names)
