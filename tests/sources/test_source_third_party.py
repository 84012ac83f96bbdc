"""Connectors of third parties: a package with an entry point, and nothing changed in ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from source_city import City

from civiclake.contracts.model import Dataset
from civiclake.errors import ContractError, UserError

FINDS = """
import datetime, io

from civiclake.io.landing.delivery import Delivery


class _Plain:
    def __enter__(self):
        return io.BytesIO(b"tree_id,species,height\\nt1,oak,12.5\\n")

    def __exit__(self, *error):
        return None


def find(dataset, *, settle_seconds):
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    origin = "tape://" + dataset.source.options["reel"]
    return [Delivery(origin, "trees.csv", 36, when, "1", _Plain)], ["t2.csv"]
"""
PULLS = """
from datetime import UTC, datetime

from civiclake.io.landing.manifest import LandedFile
from civiclake.io.sources.registry import Pulled


def pull(asked):
    name = asked.draft.place("trees.csv")
    asked.draft.path(name).write_text("tree_id,species,height\\nt1,oak,1\\nt2,elm,2\\n")
    header = ("tree_id", "species", "height")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    file = LandedFile(path=name, origin="tape://1", size_bytes=41, sha256="0", rows=2,
        header=header, modified_at=when, version="1")
    return Pulled((file,), None)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as pip leaves it, with three connectors."""
    folder = tmp_path / "site"
    about = folder / "tapes-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tapes\nVersion: 1.0\n")
    points = "tapes = tapes_find\nreels = tapes_pull\nnothing = os\n"
    (about / "entry_points.txt").write_text(f"[civiclake.connectors]\n{points}")
    (folder / "tapes_find.py").write_text(FINDS)
    (folder / "tapes_pull.py").write_text(PULLS)
    monkeypatch.syspath_prepend(folder)
    return folder


def _dataset(city: City, **own: Any) -> Dataset:
    return city.dataset({"type": "custom"}, {"load": "files", **own})


def test_one_that_finds_files(city: City, installed: Path) -> None:
    dataset = _dataset(city, connector="tapes", options={"reel": "7"})
    manifest = city.commit(dataset, "n1")
    assert (manifest.rows, manifest.files[0].origin) == (1, "tape://7")
    assert manifest.left == ("t2.csv",)
    assert "tapes_pull" not in sys.modules  # only the one that is asked for


def test_one_that_pulls(city: City, installed: Path) -> None:
    manifest = city.extract(_dataset(city, connector="reels", load="snapshot"), "n1")
    assert manifest.rows == 2


def test_one_that_is_not_installed(city: City, installed: Path) -> None:
    with pytest.raises(ContractError) as caught:
        _dataset(city, connector="tape")
    assert "is 'tape', which is not installed; allowed are" in str(caught.value)
    assert "did you mean 'tapes'?" in str(caught.value)


def test_one_that_is_gone_when_it_is_needed(city: City, installed: Path) -> None:
    dataset = _dataset(city, connector="tapes")
    gone = dataset.model_copy(
        update={"source": dataset.source.model_copy(update={"connector": "sold"})}
    )
    with pytest.raises(UserError, match="no installed package brings the connector sold"):
        city.extract(gone, "n1")


def test_one_that_is_no_connector(city: City, installed: Path) -> None:
    with pytest.raises(UserError, match=r"connector nothing of parks\.trees has neither find nor"):
        city.extract(_dataset(city, connector="nothing"), "n1")
