"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In people's suites and in marts.
"""

from __future__ import annotations

from contract_spoilers import SUITE_FILE, Spoil, file, mart, rule

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
    "mart of nothing": (file("marts/x.sql", "-- inputs: parks.tree"), "x.sql", "'parks.trees'"),
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
}
