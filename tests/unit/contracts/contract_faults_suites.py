"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In people's suites and in marts.
"""

from __future__ import annotations

from contract_spoilers import SUITE_FILE, Spoil, file, mart, query, rule, trees

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
    "mart without inputs": (file("marts/x.sql", "SELECT 1"), "marts/x.sql", "says no inputs"),
    "mart of nothing": (
        file("marts/x.sql", "-- inputs: parks.tree\nSELECT 1"),
        "x.sql",
        "'parks.trees'",
    ),
    "group of no input": (
        mart("-- refresh_by: n\n-- group: parks.trees = park_id\n-- group: parks.tree = park_id"),
        "group: 'parks.tree' is no input",
        "did you mean 'parks.trees'?",
    ),
    "group of no column": (
        mart("-- refresh_by: n\n-- group: parks.trees = upper(parkid)"),
        "serves no column 'parkid'",
        "did you mean 'park_id'?",
    ),
    "group of a constant": (
        mart("-- refresh_by: n\n-- group: parks.trees = 1"),
        "group: '1'",
        "names no column",
    ),
    "group of more than a row": (
        mart("-- refresh_by: n\n-- group: parks.trees = max(park_id) over ()"),
        "group:",
        "one row of parks.trees alone",
    ),
    "group without its column": (
        mart("-- group: parks.trees = park_id"),
        "says group",
        "but no refresh_by",
    ),
    "refresh by nothing": (mart("-- refresh_by: n"), "says refresh_by", "but no group"),
    "refresh by another column": (
        mart("-- refresh_by: m\n-- group: parks.trees = park_id"),
        "refresh_by",
        "no column 'm'",
    ),
    "refresh of a fickle query": (
        mart("-- refresh_by: n\n-- group: parks.trees = park_id", "current_date() AS d,"),
        "refresh_by: current_date",
        "another value each time",
    ),
    "refresh of what is no input": (
        mart("-- refresh_by: n\n-- group: parks.trees = park_id", more=", unified.parks_parks"),
        "reads unified.parks_parks",
        "'unified.parks_trees'",
    ),
    # what a mart may not read, with and without refresh_by
    **{
        f"mart over {what}": (query(text), place, message)
        for what, (text, place, message) in {
            "raw": (
                "SELECT * FROM raw.parks_trees",
                ":2: reads raw.parks_trees",
                "unified.parks_t",
            ),
            "quarantine": (
                "SELECT 1 AS n,\n(SELECT max(reason) FROM quarantine.parks_trees)",
                ":3: reads quarantine.parks_trees",
                "allowed are its inputs alone",
            ),
            "ops": ("SELECT 1 FROM Ops . `batches`", ":2: reads Ops.`batches`", "its inputs alone"),
            "another mart": ("SELECT 1 FROM marts.y", ":2: reads marts.y", "its inputs alone"),
            "what is no input": (
                "WITH a AS (SELECT 1 FROM unified.parks_parks) SELECT 1 FROM a",
                ":2: reads unified.parks_parks",
                "did you mean 'unified.parks_trees'?",
            ),
            "a bare name": (
                "SELECT 1 FROM parks_trees",
                ":2: reads parks_trees",
                "its inputs alone",
            ),
            "another catalogue": (
                "SELECT 1 FROM spark_catalog.unified.parks_trees",
                "reads spark_catalog.unified.parks_trees",
                "its inputs alone",
            ),
            "a path": ("SELECT * FROM delta.`/lake/x`", ":2: reads delta.`/lake/x`", "its inputs"),
            "files": ("SELECT * FROM csv.`/lake/x`", ":2: reads csv.`/lake/x`", "its inputs"),
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
            "Java": ("SELECT reflect('java.lang.Math', 'random')", ":2: calls reflect", "leave it"),
            "a script": (
                "SELECT TRANSFORM(park_id) USING 'cat' AS (x) FROM unified.parks_trees",
                ":2: holds TRANSFORM",
                "allowed is a query",
            ),
            "a setting": ("SELECT '${spark.master}'", ":2: holds '${'", "leave it out"),
            "a statement": ("DROP TABLE unified.parks_trees", "holds DROP", "allowed is one query"),
            "two statements": ("SELECT 1; SELECT 2", "holds SELECT and SELECT", "one query"),
            "no SQL": ("SELECT FROM WHERE", ":2: the query can't be read", "Spark's SQL"),
            "its own input's name": (
                "WITH parks_trees AS (SELECT 1) SELECT * FROM parks_trees",
                "WITH names parks_trees",
                "another name",
            ),
            "a pseudonym": (
                "SELECT max(k) FROM (SELECT keeper_id AS k FROM unified.parks_trees)",
                "gives out parks.trees.keeper_id",
                "'-- shows: parks.trees.keeper_id'",
            ),
            "everything": (
                "SELECT * FROM unified.parks_trees",
                "gives out parks.trees.keeper_id",
                "allowed is to count it",
            ),
            "no pseudonym": (
                "-- shows: parks.trees.keeper\nSELECT 1",
                "shows: 'parks.trees.keeper' is no restricted column",
                "did you mean 'parks.trees.keeper_id'?",
            ),
            "nobody's": ("-- owner: planning\nSELECT 1", "owner: 'planning'", "should say once"),
        }.items()
    },
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
        mart("-- refresh_by: n\n-- group: parks.trees = concat(park_id, reflect('a', 'b'))"),
        "group: ",
        "calls reflect",
    ),
}
