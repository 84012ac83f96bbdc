"""Faults of the brief's pages: the spoiler, the place that is named, a part of the sentence."""

from __future__ import annotations

from typing import Any

import yaml
from contract_city import SmallCity
from contract_faults_alerts import detector
from contract_spoilers import Spoil, extension

_QUERY = "SELECT park_id, trees FROM marts.x ORDER BY trees DESC"
_PAGE: dict[str, Any] = {
    "title": "Parks",
    "purpose": "How many trees stand.",
    "headlines": [
        {"query": "SELECT sum(trees) AS trees FROM marts.x", "says": "{trees} trees stand"}
    ],
    "parts": [
        {
            "title": "By park",
            "query": _QUERY,
            "chart": {"kind": "bars", "by": "park_id", "value": "trees", "says": "Trees by park"},
        }
    ],
}


def page(*, headline: Any = None, part: Any = None, chart: Any = None, **words: Any) -> Spoil:
    """A page that is sound, but for these words."""

    def spoil(city: SmallCity) -> None:
        detector()(city)
        made = yaml.safe_load(yaml.safe_dump(_PAGE))
        made["headlines"][0].update(headline or {})
        made["parts"][0].update(part or {})
        made["parts"][0]["chart"].update(chart or {})
        made.update(words)
        city.files["marts/parks/page.yaml"] = yaml.safe_dump(made, sort_keys=False)

    return spoil


def _hidden(city: SmallCity) -> None:
    page()(city)
    own = city.made["x"]["customProperties"][0]["value"]
    own.update(shows=["parks.trees.keeper_id"], alerts=[])
    city.made["x"]["schema"][0]["properties"][0].update(
        classification="restricted", customProperties=extension(protect="pseudonym")
    )


def _small(city: SmallCity) -> None:
    page()(city)
    city.made["x"]["customProperties"][0]["value"]["smallest_group"] = 5


_FILE = "marts/parks/page.yaml"
FAULTS: dict[str, tuple[Spoil, str, str]] = {
    "a page without parts": (page(parts=[]), f"{_FILE}:", "parts: is empty"),
    "a page with a word too many": (page(colour="red"), "colour", "unknown field 'colour'"),
    "a page that names its marts": (page(marts=["marts.x"]), "marts", "leave it out"),
    "a page over what is no mart": (
        page(part={"query": "SELECT 1 AS park_id, 2 AS trees FROM unified.parks_trees"}),
        "parts[0].query: reads unified.parks_trees",
        "allowed are its inputs alone, as 'marts.x'",
    ),
    "a page of a star": (
        page(part={"query": "SELECT * FROM marts.x"}),
        "parts[0].query",
        "gives columns by a star; name each",
    ),
    "a page over no column": (
        page(headline={"query": "SELECT sum(tree) AS trees FROM marts.x"}),
        "headlines[0].query: names 'tree'",
        "did you mean 'trees'?",
    ),
    "a page that can't be read": (
        page(headline={"query": "SELECT sum( FROM marts.x"}),
        "headlines[0].query",
        "can't be read",
    ),
    "a headline that says no column": (
        page(headline={"says": "{tree} stand"}),
        "headlines[0].says: names 'tree'",
        "allowed is a column that the query gives: 'trees'",
    ),
    "a chart of no column": (
        page(chart={"value": "height"}),
        "parts[0].chart.value: names 'height'",
        "'park_id' or 'trees'",
    ),
    "a chart of no kind": (page(chart={"kind": "pie"}), "chart.kind", "'pie'"),
    "bars with a series": (page(chart={"series": "trees"}), "chart.series", "goes with lines"),
    "a page of pseudonyms": (
        _hidden,
        "parts[0].query: names 'park_id' of marts.x, which is restricted",
        "a page is for everybody",
    ),
    "a page that does not count its persons": (
        _small,
        "parts[0]",
        "'persons' is missing: marts.x has a smallest group (5)",
    ),
    "a page that counts persons by no column": (
        page(part={"persons": "people"}),
        "parts[0].persons: names 'people'",
        "allowed is a column",
    ),
}
