"""Faults of contracts: the spoiler, the place that is named, and a part of the sentence.

In what rules say of their columns: rules that can not run, can not fail or can not pass.
"""

from __future__ import annotations

from contract_spoilers import Spoil, put, rule

_RANGE = "expect_column_values_to_be_between"
_SET = "expect_column_values_to_be_in_set"
_DISTINCT = "expect_column_distinct_values_to_be_in_set"
_REGEX = "expect_column_values_to_match_regex"
_NOT_REGEX = "expect_column_values_to_not_match_regex"
_PAIRS = "expect_column_pair_values_to_be_in_set"
_GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
_MAX = "expect_column_max_to_be_between"
_KWARGS = "expectations[1].kwargs"

FAULTS: dict[str, tuple[Spoil, str, str]] = {
    # sets
    "null in a set": (
        rule(_SET, column="tree_id", value_set=["a", None]),
        f"{_KWARGS}.value_set[1]",
        "is null, with which every value would pass",
    ),
    "null in a set of refused values": (
        rule("expect_column_values_to_not_be_in_set", column="tree_id", value_set=[None]),
        "value_set[0]",
        "is null",
    ),
    "null in distinct values": (
        rule(_DISTINCT, column="tree_id", value_set=["a", None]),
        "value_set[1]",
        "is null",
    ),
    "null in distinct values to contain": (
        rule("expect_column_distinct_values_to_contain_set", column="tree_id", value_set=[None]),
        "value_set[0]",
        "is null",
    ),
    "null in distinct values to equal": (
        rule("expect_column_distinct_values_to_equal_set", column="tree_id", value_set=[None]),
        "value_set[0]",
        "is null",
    ),
    "null among the most common": (
        rule("expect_column_most_common_value_to_be_in_set", column="tree_id", value_set=[None]),
        "value_set[0]",
        "is null",
    ),
    "null in a pair": (
        rule(_PAIRS, column_A="tree_id", column_B="park_id", value_pairs_set=[["a", None]]),
        "value_pairs_set[0][1]",
        "is null",
    ),
    "half a pair": (
        rule(_PAIRS, column_A="tree_id", column_B="park_id", value_pairs_set=[["a"]]),
        "value_pairs_set[0]",
        "too short",
    ),
    "no pairs": (
        rule(_PAIRS, column_A="tree_id", column_B="park_id", value_pairs_set=[]),
        "value_pairs_set",
        "is empty",
    ),
    "null for a set": (rule(_SET, column="tree_id", value_set=None), _KWARGS, "'value_set' is mis"),
    "empty set": (rule(_SET, column="tree_id", value_set=[]), "value_set", "is empty"),
    "text for a set": (rule(_SET, column="tree_id", value_set="oak"), "value_set", "a list of"),
    "set of another type": (
        rule(_SET, column="height_m", value_set=[1, "2"]),
        "value_set[1]",
        "is '2'; allowed is a number, as the column is of type number",
    ),
    "set of other times": (
        rule(_SET, column="updated_at", value_set=["yesterday"]),
        "value_set[0]",
        "allowed is a moment",
    ),
    "null in an enumeration": (
        put("park_id", enum=[{"value": "P1"}, {"value": None}]),
        "park_id.enum[1].value",
        "is null, with which every value would pass",
    ),
    "enumeration of another type": (
        put("park_id", enum=[{"value": 1}]),
        "park_id.enum[0].value",
        "is 1; allowed is a text",
    ),
    # ranges
    "range without bounds": (
        rule(_RANGE, column="height_m"),
        _KWARGS,
        "has neither min_value nor max_value",
    ),
    "range of nulls": (
        rule(_RANGE, column="height_m", min_value=None, max_value=None),
        _KWARGS,
        "has neither",
    ),
    "row count without bounds": (
        rule("expect_table_row_count_to_be_between", strict_min=True),
        _KWARGS,
        "has neither",
    ),
    "min over max": (
        rule(_RANGE, column="height_m", min_value=9, max_value=1),
        "min_value",
        "nothing could pass",
    ),
    "min is a strict max": (
        rule(_MAX, column="height_m", min_value=9, max_value=9, strict_max=True),
        "min_value",
        "nothing could pass",
    ),
    "later than the end": (
        rule(_RANGE, column="updated_at", min_value="2020-01-02", max_value="2020-01-01T23:00:00Z"),
        "min_value",
        "nothing could pass",
    ),
    "numbers over a text": (
        rule(_RANGE, column="tree_id", min_value=1),
        f"{_KWARGS}.column",
        "column 'tree_id' is a string; allowed are 'integer', 'number', 'date' or 'timestamp'",
    ),
    "mean of a time": (
        rule("expect_column_mean_to_be_between", column="updated_at", min_value=1),
        f"{_KWARGS}.column",
        "is a timestamp; allowed are 'integer' or 'number'",
    ),
    "text as bound of a number": (
        rule(_RANGE, column="height_m", min_value="2020-01-01"),
        "min_value",
        "is '2020-01-01'; allowed is a number",
    ),
    "number as bound of a time": (
        rule(_MAX, column="updated_at", max_value=2020),
        "max_value",
        "is 2020; allowed is a moment",
    ),
    "boolean as bound": (
        rule(_RANGE, column="height_m", min_value=True),
        "min_value",
        "is True; allowed is a",
    ),
    "half a character": (
        rule("expect_column_value_lengths_to_be_between", column="tree_id", min_value=1.5),
        "min_value",
        "type 'integer'",
    ),
    "length of a number": (
        rule("expect_column_value_lengths_to_equal", column="height_m", value=3),
        f"{_KWARGS}.column",
        "is a number; allowed are 'string'",
    ),
    "half of them is text": (
        rule(_RANGE, column="height_m", min_value=1, mostly="0.5"),
        "mostly",
        "is '0.5'; allowed is a value of type 'number'",
    ),
    "more than all": (
        rule(_RANGE, column="height_m", min_value=1, mostly=95),
        "mostly",
        "is 95; allowed is a number from 0.0 to 1.0",
    ),
    "a parameter": (
        rule(_RANGE, column="height_m", min_value={"$PARAMETER": "low"}),
        "min_value",
        "parameters have no value here",
    ),
    "a parameter in a set": (
        rule(_SET, column="tree_id", value_set=[{"$PARAMETER": "oak"}]),
        "value_set",
        "parameters have no value here",
    ),
    "no such word": (
        rule(_GREATER, column_A="height_m", column_B="height_m", ignore_row_if="never"),
        "ignore_row_if",
        "is 'never'; allowed are 'both_values_are_missing'",
    ),
    "other kinds compared": (
        rule(_GREATER, column_A="height_m", column_B="tree_id"),
        _KWARGS,
        "column 'height_m' is a number, but 'tree_id' is a string",
    ),
    "one column is no pair": (
        rule("expect_compound_columns_to_be_unique", column_list=["tree_id"]),
        "column_list",
        "at least two",
    ),
    "sum of texts": (
        rule("expect_multicolumn_sum_to_equal", column_list=["height_m", "tree_id"], sum_total=1),
        "column_list[1]",
        "is a string",
    ),
    # patterns
    "no pattern": (rule(_REGEX, column="tree_id"), _KWARGS, "'regex' is missing"),
    "pattern that is none": (
        rule(_REGEX, column="tree_id", regex="("),
        "regex",
        "not a regular expression",
    ),
    "no patterns": (
        rule("expect_column_values_to_match_regex_list", column="tree_id", regex_list=[]),
        "regex_list",
        "is empty",
    ),
    "one of the patterns": (
        rule(
            "expect_column_values_to_not_match_regex_list", column="tree_id", regex_list=["a", "["]
        ),
        "regex_list[1]",
        "not a regular expression",
    ),
    "pattern over a number": (
        rule(_REGEX, column="height_m", regex="^1"),
        f"{_KWARGS}.column",
        "is a number",
    ),
    "pattern for Python alone": (
        rule(_REGEX, column="tree_id", regex="(?P<a>x)"),
        "regex",
        "read otherwise by Java than by Python at character 1: a named group",
    ),
    "brace that counts nothing": (
        put("tree_id", logicalTypeOptions={"pattern": "a{,3}"}),
        "tree_id.logicalTypeOptions.pattern",
        "at character 2: a brace that counts nothing",
    ),
    "no time format": (
        rule(
            "expect_column_values_to_match_strftime_format", column="tree_id", strftime_format="%Q"
        ),
        "strftime_format",
        "not a format of strftime",
    ),
    # the same in a contract's own options
    "no moment": (
        put("updated_at", logicalTypeOptions={"minimum": "yesterday"}),
        "updated_at.logicalTypeOptions.minimum",
        "is 'yesterday'; allowed is a moment",
    ),
    "empty open range": (
        put("height_m", logicalTypeOptions={"exclusiveMinimum": 1, "maximum": 1}),
        "exclusiveMinimum",
        "nothing could pass",
    ),
    "bound said twice": (
        put("height_m", logicalTypeOptions={"exclusiveMinimum": 1, "minimum": 1}),
        "exclusiveMinimum",
        "stands beside minimum",
    ),
}
