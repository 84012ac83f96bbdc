"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In people's suites and in marts.
"""

from __future__ import annotations

import yaml
from contract_spoilers import SUITE_FILE, Spoil, extension, file, mart, query, rule, trees

PLACES = {"address": {"description": "Where it is.", "logicalType": "string"}}
PLACE = {
    "name": "address",
    "logicalType": "string",
    "authoritativeDefinitions": [{"type": "column", "url": "_columns/place.yaml#address"}],
}

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # suites
    "suite without dataset": (
        file("expectations/parks/tree.json", "{}"),
        "expectations/parks/tree.json",
        "wanted is schemas/parks/tree.yaml",
    ),
    "suite in the wrong place": (file("expectations/x.json", "{}"), "x.json", "wrong place"),
    "suite not json": (file("expectations/parks/parks.json", "{"), "parks.json:1", "not JSON"),
    "suite of another name": (lambda c: c.suite.update(name="x"), SUITE_FILE, "the dataset's id"),
    "unknown suite field": (
        lambda c: c.suite["expectations"][0].update(severty="x"),
        "severty",
        "did you mean 'severity'",
    ),
    "unknown rule severity": (
        lambda c: c.suite["expectations"][0].update(severity="error"),
        "expectations[0].severity",
        "allowed are 'critical', 'warning' or 'info'",
    ),
    "unknown expectation": (
        rule("expect_column_values_to_be_nul", column="tree_id"),
        "expectations[1].type",
        "did you mean 'expect_column_values_to_be_null'",
    ),
    "rule of a pattern that everything has": (
        rule("expect_column_values_to_match_regex", column="tree_id", regex=""),
        "kwargs.regex",
        "is ''; every value would pass it",
    ),
    "unknown rule column": (
        rule("expect_column_values_to_be_between", column="height", min_value=1),
        "kwargs.column",
        "did you mean 'height_m'",
    ),
    "unknown column of a pair": (
        rule("expect_column_pair_values_to_be_equal", column_A="tree_id", column_B="trees_id"),
        "kwargs.column_B",
        "unknown column 'trees_id'",
    ),
    "unknown argument": (
        rule("expect_column_values_to_be_between", column="height_m", minimum=1),
        "kwargs.minimum",
        "unknown argument 'minimum'",
    ),
    "missing argument": (
        rule("expect_column_values_to_be_in_set", column="tree_id"),
        "kwargs",
        "'value_set' is missing",
    ),
    "says what the contract says": (
        rule("expect_column_values_to_be_between", column="height_m", min_value=0, max_value=120),
        "expectations[1]",
        "says what rule 'range:height_m' says already",
    ),
    # marts
    "mart as a loose file": (
        file("marts/x.sql", "-- inputs: parks.trees\nSELECT 1"),
        "marts/x.sql: stands in the wrong place",
        "its contract in marts/<application>/x/mart.yaml, its query beside it in query.sql",
    ),
    "mart's contract beside its folder": (
        file("marts/parks/y.yaml", "kind: DataContract\n"),
        "marts/parks/y.yaml: stands in the wrong place",
        "marts/<application>/y/mart.yaml",
    ),
    "mart without contract": (
        file("marts/parks/x/query.sql", "SELECT 1"),
        "marts/parks/x/query.sql: has no contract",
        "wanted is mart.yaml",
    ),
    "mart without inputs": (
        lambda city: city.mart("x")["customProperties"][0]["value"].pop("inputs"),
        "marts/parks/x/mart.yaml",
        "'inputs' is missing",
    ),
    "mart without what only a mart needs": (
        lambda city: city.mart("x").pop("customProperties"),
        "marts/parks/x/mart.yaml:1: customProperties",
        "the entry 'civiclake' is missing, which says at least {inputs: [...], step: query.sql}",
    ),
    "mart of nothing": (
        query("SELECT 1 AS n", inputs=["parks.tree"]),
        "mart.yaml:23: customProperties.civiclake.value.inputs[0]: there is no input 'parks.tree'",
        "did you mean 'parks.trees'?",
    ),
    "mart of an input twice": (
        query("SELECT 1 AS n", inputs=["parks.trees", "parks.trees"]),
        "inputs[1]",
        "'parks.trees' stands twice",
    ),
    "mart of itself": (
        query("SELECT 1 AS n FROM marts.x", inputs=["parks.trees", "marts.x"]),
        "inputs: marts are made from each other in a circle",
        "marts.x -> marts.x; leave one out",
    ),
    "marts in a circle": (
        lambda city: [
            city.mart("x", inputs=["marts.y"]),
            city.mart("y", inputs=["marts.z", "parks.trees"]),
            city.mart("z", inputs=["marts.x"]),
        ],
        "marts/parks/x/mart.yaml",
        "in a circle: marts.x -> marts.y -> marts.z -> marts.x; leave one out",
    ),
    "one mart twice": (
        lambda city: [
            city.mart("x"),
            file("marts/roads/x/query.sql", "SELECT 1 AS n")(city),
            file(
                "marts/roads/x/mart.yaml",
                yaml.safe_dump({**city.made["x"], "domain": "roads"}, sort_keys=False),
            )(city),
        ],
        "marts/roads/x/mart.yaml",
        "fills table 'marts.x', which marts/parks/x/mart.yaml fills already",
    ),
    "a mart's other name": (
        lambda city: city.mart("x").update(id="marts.y"),
        "mart.yaml:3: id",
        "is 'marts.y'; allowed is 'marts.x', as the path says",
    ),
    "a mart's key": (
        lambda city: city.mart("x")["schema"][0]["properties"][0].pop("primaryKey"),
        "schema.x.properties",
        "no column is of the key",
    ),
    "a mart's column without words": (
        lambda city: city.mart("x")["schema"][0]["properties"][0].pop("description"),
        "schema.x.properties.n",
        "'description' is missing: what the figure is, and in which unit",
    ),
    "a mart's column as a source writes it": (
        lambda city: city.mart("x")["schema"][0]["properties"][0].update(
            customProperties=extension(absent_as="NA")
        ),
        "absent_as",
        "says how a source's text is read",
    ),
    "a mart's server": (
        lambda city: city.mart("x").update(servers=city.parks["servers"]),
        "servers",
        "a mart has no source",
    ),
    "a mart without its query": (
        lambda city: [city.mart("x"), city.files.pop("marts/parks/x/query.sql")],
        "step",
        "there is no such file beside mart.yaml",
    ),
    "a step that is no function of the installation": (
        lambda city: city.mart("x", step="os.system"),
        "step",
        "is 'os.system'; allowed are 'query.sql' and functions of civiclake.applications",
    ),
    "a function that is not there": (
        lambda city: city.mart("x", step="civiclake.applications.parks.build"),
        "step",
        "there is no function 'civiclake.applications.parks.build'; allowed are ",
    ),
    "a mart's column that its query does not give": (
        query("SELECT 1 AS trees_", "trees"),
        "query.sql: gives no column 'trees', which its contract has and gives column 'trees_'",
        "which its contract has not; did you mean 'trees'?; allowed are 'trees'",
    ),
    "group of no input": (
        mart(refresh_by="n", groups={"parks.trees": "park_id", "parks.tree": "park_id"}),
        "groups.parks.tree: 'parks.tree' is no input",
        "did you mean 'parks.trees'?",
    ),
    "group of no column": (
        mart(refresh_by="n", groups={"parks.trees": "upper(parkid)"}),
        "serves no column 'parkid'",
        "did you mean 'park_id'?",
    ),
    "group of a constant": (
        mart(refresh_by="n", groups={"parks.trees": "1"}),
        "groups.parks.trees: is '1'",
        "names no column",
    ),
    "group of more than a row": (
        mart(refresh_by="n", groups={"parks.trees": "max(park_id) over ()"}),
        "groups.parks.trees",
        "one row of parks.trees alone",
    ),
    "group of links": (
        lambda city: [
            city.trees["schema"][0]["properties"].append(dict(PLACE)),
            mart(
                refresh_by="n",
                inputs=["parks.trees", "links.place"],
                groups={"parks.trees": "park_id", "links.place": "place_id"},
            )(city),
            file("schemas/_columns/place.yaml", yaml.safe_dump(PLACES))(city),
        ],
        "groups.links.place",
        "links don't tell their changes",
    ),
    "group without its column": (
        mart(groups={"parks.trees": "park_id"}),
        "groups",
        "wants refresh_by beside it",
    ),
    "refresh by nothing": (mart(refresh_by="n"), "refresh_by", "wants groups beside it"),
    "refresh by another column": (
        mart(refresh_by="m", groups={"parks.trees": "park_id"}),
        "refresh_by",
        "is 'm'; allowed is a column of the mart: 'n' or 'c'",
    ),
    "refresh by what is not of the key": (
        mart(refresh_by="c", groups={"parks.trees": "park_id"}),
        "refresh_by",
        "is 'c', which is not of the key",
    ),
    "refresh of a fickle query": (
        lambda city: [
            mart("current_date() AS d,", refresh_by="n", groups={"parks.trees": "park_id"})(city),
            city.made["x"]["schema"][0]["properties"].append(
                {"name": "d", "description": "Today.", "logicalType": "date"}
            ),
        ],
        "query.sql: current_date",
        "another value each time",
    ),
    "refresh of what is no input": (
        mart(refresh_by="n", groups={"parks.trees": "park_id"}, more=", unified.parks_parks"),
        "reads unified.parks_parks",
        "'unified.parks_trees'",
    ),
    "rows behind a figure of no input": (
        mart(behind={"c": {"input": "parks.parks", "where": "park_id = :n"}}),
        "behind.c.input",
        "allowed is an input: 'parks.trees'",
    ),
    "rows behind a figure by no column": (
        mart(behind={"c": {"input": "parks.trees", "where": "parkid = :n"}}),
        "behind.c.where",
        "serves no column 'parkid'",
    ),
    "rows behind a figure by what is no column": (
        mart(behind={"c": {"input": "parks.trees", "where": "park_id = :e AND ':n' = ':d'"}}),
        "behind.c.where: names :e",
        "allowed are the columns of the mart, as ':n'",
    ),
    "rows behind a figure of more than a row": (
        mart(behind={"c": {"input": "parks.trees", "where": "(SELECT 1 FROM raw.x) = :n"}}),
        "behind.c.where",
        "reads raw.x",
    ),
    "rows behind a figure of some rows by no column": (
        mart(behind={"c": {"input": "parks.trees", "where": "park_id = :n", "when": ":e > 1"}}),
        "behind.c.when: names :e",
        "allowed are the columns of the mart, as ':n'",
    ),
    "a group of one": (mart(smallest_group=1), "smallest_group", "greater than or equal to 2"),
    "a mart of the name of CivicLake's own table": (
        lambda city: city.mart("plans", "SELECT 1 AS n FROM unified.parks_trees", columns=("n",)),
        "id: marts.plans is the table of what `civiclake plan` has answered",
        "name the mart another",
    ),
    "a size of groups that is no number": (
        mart(smallest_group=5, group_size="m"),
        "group_size: is 'm'",
        "allowed is a column of whole numbers",
    ),
    "a size of groups without a least one": (
        mart(group_size="c"),
        "group_size",
        "counts whom smallest_group is of",
    ),
    "parameters of a query": (mart(parameters={"n": 1}), "parameters", "goes with a function"),
    "a restricted column that nothing shows": (
        lambda city: [
            mart()(city),
            city.made["x"]["schema"][0]["properties"][1].update(
                classification="restricted", customProperties=extension(protect="pseudonym")
            ),
        ],
        "shows",
        "is missing: column 'c' is restricted",
    ),
    "a pseudonym in a column for all": (
        query("SELECT keeper_id AS n FROM unified.parks_trees", shows=["parks.trees.keeper_id"]),
        "query.sql: column 'n' gives out parks.trees.keeper_id",
        "allowed is 'restricted'",
    ),
    # what a mart may not read, with and without refresh_by
    **{
        f"mart over {what}": (query(text), place, message)
        for what, (text, place, message) in {
            "raw": (
                "SELECT * FROM raw.parks_trees",
                "query.sql:1: reads raw.parks_trees",
                "unified.parks_t",
            ),
            "quarantine": (
                "SELECT 1 AS n,\n(SELECT max(reason) FROM quarantine.parks_trees)",
                "query.sql:2: reads quarantine.parks_trees",
                "allowed are its inputs alone",
            ),
            "ops": (
                "SELECT 1 FROM Ops . `batches`",
                "query.sql:1: reads Ops.`batches`",
                "its inputs alone",
            ),
            "another mart": (
                "SELECT 1 FROM marts.y",
                "query.sql:1: reads marts.y",
                "its inputs alone",
            ),
            "what is no input": (
                "WITH a AS (SELECT 1 FROM unified.parks_parks) SELECT 1 FROM a",
                "query.sql:1: reads unified.parks_parks",
                "did you mean 'unified.parks_trees'?",
            ),
            "a bare name": (
                "SELECT 1 FROM parks_trees",
                "query.sql:1: reads parks_trees",
                "its inputs alone",
            ),
            "another catalogue": (
                "SELECT 1 FROM spark_catalog.unified.parks_trees",
                "reads spark_catalog.unified.parks_trees",
                "its inputs alone",
            ),
            "a path": (
                "SELECT * FROM delta.`/lake/x`",
                "query.sql:1: reads delta.`/lake/x`",
                "its inputs",
            ),
            "files": (
                "SELECT * FROM csv.`/lake/x`",
                "query.sql:1: reads csv.`/lake/x`",
                "its inputs",
            ),
            "a name made later": (
                "SELECT 1 FROM IDENTIFIER(concat('raw', '.parks_trees'))",
                "calls identifier",
                "leave it out",
            ),
            "a change feed": (
                "SELECT 1 FROM table_changes('raw.parks_trees', 1)",
                "calls table_changes",
                "leave it out",
            ),
            "another version": (
                "SELECT 1 FROM unified.parks_trees VERSION AS OF 3",
                "reads unified.parks_trees AS OF",
                "leave that out",
            ),
            "Java": (
                "SELECT reflect('java.lang.Math', 'random')",
                "query.sql:1: calls reflect",
                "leave it",
            ),
            "a script": (
                "SELECT TRANSFORM(park_id) USING 'cat' AS (x) FROM unified.parks_trees",
                "query.sql:1: holds TRANSFORM",
                "allowed is a query",
            ),
            "a setting": ("SELECT '${spark.master}'", "query.sql:1: holds '${'", "leave it out"),
            "a statement": ("DROP TABLE unified.parks_trees", "holds DROP", "allowed is one query"),
            "two statements": ("SELECT 1; SELECT 2", "holds SELECT and SELECT", "one query"),
            "no SQL": ("SELECT FROM WHERE", "query.sql:1: the query can't be read", "Spark's SQL"),
            "its own input's name": (
                "WITH parks_trees AS (SELECT 1) SELECT * FROM parks_trees",
                "WITH names parks_trees",
                "another name",
            ),
            "a pseudonym": (
                "SELECT max(k) FROM (SELECT keeper_id AS k FROM unified.parks_trees)",
                "gives out parks.trees.keeper_id",
                "shows: [parks.trees.keeper_id]",
            ),
            "everything": (
                "SELECT * FROM unified.parks_trees",
                "gives out parks.trees.keeper_id",
                "allowed is to count it",
            ),
        }.items()
    },
    "shows no pseudonym": (
        query("SELECT 1 AS n", shows=["parks.trees.keeper"]),
        "shows[0]: 'parks.trees.keeper' is no restricted column",
        "did you mean 'parks.trees.keeper_id'?",
    ),
    "mart over what stops at protect": (
        lambda city: [
            city.person["person_id"]["civiclake"].update(protect="drop"),
            query("SELECT t.keeper_id AS keeper FROM unified.parks_trees AS t")(city),
        ],
        "names 'keeper_id' of parks.trees, which is restricted",
        "allowed are the columns that unified serves: tree_id, ",
    ),
    "an owner's connection that is none": (
        trees(support=[{"channel": "pager", "url": "airflow:parks pager"}]),
        "support",
        "'airflow:parks pager' names no Airflow connection",
    ),
    "group that reads": (
        mart(refresh_by="n", groups={"parks.trees": "concat(park_id, reflect('a', 'b'))"}),
        "groups.parks.trees",
        "calls reflect",
    ),
}
