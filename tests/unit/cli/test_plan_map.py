"""A plan's picture shows what the plan says, and its GeoJSON is one."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline" / "plans"))
import small_town

from civiclake.cli.pictures import canvas, plan_map
from civiclake.pipeline.plans import geojson
from civiclake.pipeline.plans.answer import Answer, answer
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.kinds import read_kinds
from civiclake.pipeline.plans.town import Town

KINDS = Path(__file__).parents[3] / "marts" / "planning" / "kinds.yaml"
SVG = "{http://www.w3.org/2000/svg}"


def _planned(town: Town, new: int = 3) -> Answer:
    kind = read_kinds(KINDS)["library"]
    return answer(town, Asked(kind, kind.solve, kind.within, kind.by, new))


@pytest.fixture(scope="module")
def planned() -> tuple[Town, Answer]:
    town = small_town.made()
    return town, _planned(town)


def test_the_map_names_districts_sites_and_who_gains(planned: tuple[Town, Answer]) -> None:
    town, made = planned
    text = canvas.text_of(plan_map.draw(town, made), "plan")
    assert text == canvas.text_of(plan_map.draw(town, made), "plan")
    said = {"".join(node.itertext()) for node in ET.fromstring(text).iter(f"{SVG}text")}
    gains = made.districts["gains"]
    assert {f"五华区 +{gains['530102']:,.0f}", f"盘龙区 +{gains['530103']:,.0f}"} <= said
    assert {"Libraries: three new", "1", "2", "3", "new", "stands", "roads"} <= said
    assert any(
        "people are within" in one.replace("(", "") or "within 3,000 m" in one for one in said
    )


def test_a_city_without_boundaries_roads_or_sites_has_a_map_too() -> None:
    known = small_town.towns.districts(small_town.districts().drop(columns="boundary"))[0]
    bare = Town(
        small_town.towns.places(small_town.demand(), known), small_town.standing(), None, known
    )
    made = _planned(bare, new=1)
    assert "</svg>" in canvas.text_of(plan_map.draw(bare, made), "plan")


def test_the_geojson_has_every_site_and_cell_with_longitude_first(
    planned: tuple[Town, Answer],
) -> None:
    town, made = planned
    said = json.loads(geojson.text_of(made))
    assert said["type"] == "FeatureCollection"
    assert said["title"] == "Libraries: three new"
    found = {"new": [], "stands": [], None: []}
    for feature in said["features"]:
        assert shapely.within(shape(feature["geometry"]), town.area.buffer(0.02))
        found[feature["properties"].get("state")].append(feature["properties"])
    assert [one["number"] for one in found["new"]] == [1, 2, 3]
    assert sum(one["gains"] for one in found["new"]) == made.after.within - made.before.within
    assert len(found["stands"]) == 1
    assert sum(one["people"] for one in found[None]) == town.people
    assert sum(one["gains"] for one in found[None]) == made.after.within - made.before.within
