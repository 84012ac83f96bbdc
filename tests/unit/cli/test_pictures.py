"""A picture is the same file for the same figures, with its texts as texts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import shapely

from civiclake.cli.pictures import canvas, maps
from civiclake.errors import UserError

SVG = "{http://www.w3.org/2000/svg}"


def _map() -> str:
    drawn = canvas.figure(80, 80)
    with canvas.style():
        axes = drawn.add_axes((0, 0, 1, 1))
        hole = shapely.box(0, 0, 0.1, 0.1).difference(shapely.box(0.04, 0.04, 0.06, 0.06))
        areas = {"五华区": hole, "盘龙区": shapely.box(0.1, 0, 0.2, 0.1)}
        maps.prepare(axes, maps.bounds_of(areas))
        for name, area in areas.items():
            maps.draw_area(axes, area)
            maps.label(axes, area.centroid.x, area.centroid.y, name)
        maps.draw_lines(axes, [[(0, 0), (0.2, 0.1)]])
        maps.scale_bar(axes)
    return canvas.text_of(drawn, "Districts")


def test_the_same_map_is_the_same_text_and_keeps_its_names(
    recwarn: pytest.WarningsRecorder,
) -> None:
    text = _map()
    assert text == _map()
    names = {"".join(node.itertext()) for node in ET.fromstring(text).iter(f"{SVG}text")}
    assert names == {"五华区", "盘龙区", "5 km"}
    assert "Date" not in text
    assert "paint-order" in text
    assert not recwarn.list


def test_a_picture_is_written_whole_where_it_can_be(tmp_path: Path) -> None:
    canvas.save(canvas.figure(10, 10), tmp_path / "a.svg", "Nothing")
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


@pytest.mark.parametrize(
    ("name", "words"), [("a.png", r"ends in \.svg"), ("none/a.svg", "folder .* is not there")]
)
def test_where_it_cannot_be_is_told(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        canvas.check_path(tmp_path / name)
