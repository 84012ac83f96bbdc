"""Ways to spoil a sound city's contracts: each one fault, or one thing that is allowed."""

from __future__ import annotations

from collections.abc import Callable

from contract_city import PARKS, SmallCity

Spoil = Callable[[SmallCity], object]


def put(target: str, **values: object) -> Spoil:
    """Change a column of the trees, or (``own``) their civiclake entry."""

    def spoil(city: SmallCity) -> None:
        (city.own if target == "own" else city.column(target)).update(values)

    return spoil


def trees(**values: object) -> Spoil:
    return lambda city: city.trees.update(values)


def drop(target: str, field: str) -> Spoil:
    def spoil(city: SmallCity) -> None:
        (city.own if target == "own" else city.column(target)).pop(field)

    return spoil


def extension(**value: object) -> list[dict[str, object]]:
    return [{"property": "civiclake", "value": value}]


def parks_files(file_format: str, **own: object) -> Spoil:
    """Another format of the parks' files, and more in their civiclake entry."""

    def spoil(city: SmallCity) -> None:
        city.parks["servers"][0].update(format=file_format)
        city.parks["customProperties"][0]["value"].update(own)

    return spoil


def rule(kind: str, **kwargs: object) -> Spoil:
    return lambda city: city.suite["expectations"].append({"type": kind, "kwargs": kwargs})


_OP = {"name": "op", "logicalType": "string", "required": True}
LOG = {"load": "changes", "operation": "op", "operations": {"I": "insert", "D": "delete"}}


def log(**own: object) -> Spoil:
    """The trees as a change log."""
    return lambda city: [
        city.trees["schema"][0]["properties"].append(dict(_OP)),
        city.own.update(LOG, **own),
    ]


def line_list(**own: object) -> Spoil:
    """The trees as a list without an id, or as what is none."""

    def spoil(city: SmallCity) -> None:
        city.column("tree_id").pop("primaryKey")
        for name in ("sequence", "overlap"):
            city.own.pop(name, None)
        city.own.update({"occurrence": "equals", **own})

    return spoil


def file(name: str, text: str) -> Spoil:
    return lambda city: city.files.update({name: text})


def mart(columns: str = "", more: str = "", **own: object) -> Spoil:
    """A mart of the trees by park, with these words in its contract."""
    query = (
        f"SELECT {columns} park_id AS n, count(*) AS c FROM unified.parks_trees{more} GROUP BY 1"
    )
    return lambda city: city.mart("x", query, columns=("n", "c"), **own)


def query(text: str, *columns: str, **own: object) -> Spoil:
    """A mart of the trees that is always built whole, with this query."""
    return lambda city: city.mart("x", text, columns=columns or ("n",), **own)


def same_table(city: SmallCity) -> None:
    city.add("city/parks_x", PARKS)
    city.add("city_parks/x", PARKS)


def circle(city: SmallCity) -> None:
    city.parks["schema"][0]["properties"].append(
        {
            "name": "tree_id",
            "logicalType": "string",
            "relationships": [{"to": "parks.trees.tree_id"}],
        }
    )


def other_hour(city: SmallCity) -> None:
    city.own["schedule"] = "0 2 * * *"
    city.parks["customProperties"][0]["value"]["schedule"] = "0 3 * * *"


TREES_FILE, SUITE_FILE = "schemas/parks/trees.yaml", "expectations/parks/trees.json"
