"""The archive of classes belongs to one Java and one set of JARs, and hinders no start."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from civiclake.engine import class_archive
from civiclake.engine.java import java_home, spark_jars


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a single JAR."""
    folder = tmp_path / "jars"
    folder.mkdir()
    jar = folder / "one.jar"
    jar.write_bytes(b"PK\x05\x06" + bytes(18))  # a zip of nothing
    monkeypatch.setattr(class_archive.jars, "classpath", lambda _: [jar])
    monkeypatch.setattr(class_archive, "spark_jars", list)
    return folder


def test_another_jar_is_another_archive(jars: Path) -> None:
    before = class_archive.path(jars)
    assert class_archive.path(jars) == before
    os.utime(jars / "one.jar", ns=(1, 1))
    assert class_archive.path(jars) != before


def test_without_an_archive_java_is_told_nothing(jars: Path) -> None:
    assert class_archive.options(jars) == []
    class_archive.path(jars).write_bytes(b"")
    os.utime(jars / "one.jar", ns=(1, 1))
    assert class_archive.options(jars) == []


@pytest.mark.parametrize("content", [b"", b"no archive", bytes(200_000)])
def test_a_broken_archive_hinders_no_start(jars: Path, content: bytes) -> None:
    class_archive.path(jars).write_bytes(content)
    options = class_archive.options(jars)
    assert options
    java = str(java_home() / "bin" / "java")
    ran = subprocess.run(
        [java, *options, "-cp", str(jars / "one.jar"), "-version"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_drivers_come_after_what_the_archive_is_of(jars: Path, tmp_path: Path) -> None:
    driver = tmp_path / "driver.jar"
    without = class_archive.class_path(jars)
    assert class_archive.class_path(jars, [driver]) == [*without, driver]


def test_the_door_goes_without_machine_learning_and_the_archive_holds_for_both(
    jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_archive, "spark_jars", spark_jars)
    door, jobs = class_archive.door_class_path(jars), class_archive.class_path(jars)
    assert jobs[: len(door)] == door
    assert [path.name.partition("_")[0] for path in jobs[len(door) :]] == ["spark-mllib"]
