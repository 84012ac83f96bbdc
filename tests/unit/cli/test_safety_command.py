"""``safety`` lists and draws hot spots, from files as from the lake."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import h3
import pytest
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.errors import UserError

CELLS = h3.grid_disk(h3.latlng_to_cell(25.0453, 102.7098, 8), 1)
FLAT = "POLYGON ((102.6 25.0, 102.8 25.0, 102.8 25.2, 102.6 25.2, 102.6 25.0))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["kind,cell,from_day,to_day,incidents,z,is_assessed,is_hot"]
    for number, cell in enumerate(CELLS):
        z, hot = (5 - number, number < 2) if number < 6 else ("", False)
        said = f"{9 - number},{z},{str(number < 6).lower()},{str(hot).lower()}"
        rows.append(f"all,{cell},2015-01-01,2015-12-31,{said}")
    rows.append(f"fraud,{CELLS[0]},2015-01-01,2015-12-31,2,,false,false")
    (tmp_path / "spots.csv").write_text("\n".join(rows), encoding="utf-8")
    posts = "service,post,latitude,longitude\npatrol,1,25.0453,102.7098\nambulance,1,25,102.7\n"
    (tmp_path / "posts.csv").write_text(posts, encoding="utf-8")
    (tmp_path / "areas.csv").write_text(f'code,boundary\n530102,"{FLAT}"\n', encoding="utf-8")
    return tmp_path


def _run(folder: Path, *said: str) -> str:
    files = ["--spots", str(folder / "spots.csv"), "--posts", str(folder / "posts.csv")]
    boundaries = ["--boundaries", str(folder / "areas.csv")]
    done = CliRunner().invoke(
        app, ["safety", "hot-spots", *files, *boundaries, *said], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_hot_cells_are_listed_the_hottest_first(folder: Path) -> None:
    lines = _run(folder).splitlines()
    assert lines[0] == "Hot spots, all: 2015-01-01 to 2015-12-31: 2 of 6 assessed cells are hot"
    assert [line.split()[0] for line in lines[1:]] == CELLS[:2]
    assert "0 of 0 assessed" in _run(folder, "--kind", "fraud")


def test_the_map_shows_cells_and_patrols_and_says_what_it_is_not(folder: Path) -> None:
    picture = folder / "hot.svg"
    _run(folder, "--picture", str(picture))
    texts = [text.text for text in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    said = " ".join(filter(None, texts))
    assert "hot: 2 cells" in said
    assert "Places are scored, never persons" in said
    assert texts.count("1") == 1  # the patrol's post, and no ambulance's
    before = picture.read_bytes()
    _run(folder, "--picture", str(picture))
    assert picture.read_bytes() == before


def test_what_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(UserError, match=r"kind 'arson': no cell .* there are: all, fraud"):
        _run(folder, "--kind", "arson")
    spoilt = (folder / "spots.csv").read_text("utf-8").replace(",9,5,", ",nine,5,")
    (folder / "spots.csv").write_text(spoilt, encoding="utf-8")
    with pytest.raises(UserError, match="incidents: 'nine' is no number"):
        _run(folder)
