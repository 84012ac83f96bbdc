"""Pages that stand are written anew when what they are made from has changed, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from brief_sample import brief

from civiclake.pipeline.brief import made_from
from civiclake.pipeline.brief.write import put


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    made = put(tmp_path, brief())
    made_from.keep(tmp_path, "the same", made)
    return made


def test_pages_of_the_same_stand(tmp_path: Path, pages: list[Path]) -> None:
    assert made_from.standing(tmp_path, "the same") == pages
    assert made_from.standing(tmp_path, "another") == []


def test_pages_that_are_gone_or_changed_do_not_stand(tmp_path: Path, pages: list[Path]) -> None:
    text = pages[1].read_bytes()
    pages[1].write_bytes(text + b" ")
    assert made_from.standing(tmp_path, "the same") == []
    pages[1].write_bytes(text)
    assert made_from.standing(tmp_path, "the same") == pages
    pages[1].unlink()
    assert made_from.standing(tmp_path, "the same") == []


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"from": "the same", "pages": []}', "\x00"])
def test_a_record_that_can_not_be_read_makes_them_anew(
    tmp_path: Path, pages: list[Path], said: str
) -> None:
    (tmp_path / made_from.FILE).write_text(said)
    assert made_from.standing(tmp_path, "the same") == []


def test_pages_that_are_being_written_do_not_stand(tmp_path: Path, pages: list[Path]) -> None:
    assert put(tmp_path, brief()) == pages
    assert made_from.standing(tmp_path, "the same") == []
