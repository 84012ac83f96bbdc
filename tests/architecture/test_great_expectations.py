"""What the contracts say in Great Expectations' terms is what the installed version takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest
from civiclake.contracts.render import gx_suite
from civiclake.contracts.rules.checks import check_arguments, check_columns, check_meaning
from civiclake.contracts.rules.suites import expectation_table, known_expectations

ROOT = Path(__file__).resolve().parents[2]
# Structure is the contract's business, and queries see other tables than the batch's.
LEFT_OUT = {
    "expect_column_to_exist",
    "expect_column_type_to_be",
    "expect_column_values_to_be_in_type_list",
    "expect_column_values_to_be_of_type",
    "expect_query_results_to_match_comparison",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
    "expect_table_row_count_to_equal_other_table",
    "unexpected_rows_expectation",
}
NOT_ARGUMENTS = {"batch_id", "library_metadata"}
# A set may hold any value of its column, whatever the form for Great Expectations' own page says;
# columns are looked up; objects of their own classes are left to Great Expectations.
CHECKED_OTHERWISE = {
    "column", "column_A", "column_B", "column_list", "value_set", "row_condition",
    "partition_object",
}  # fmt: skip
# Sound arguments of any rule, of which a test spoils one at a time.
SOUND = {
    "column": "n", "column_A": "n", "column_B": "m", "column_list": ["n", "m"], "min_value": 0,
    "max_value": 1, "mostly": 0.5, "strict_min": True, "value_set": [1], "value": 1,
    "value_pairs_set": [[1, 2]], "regex": "a", "regex_list": ["a"], "like_pattern": "a",
    "like_pattern_list": ["a"], "strftime_format": "%Y", "threshold": 1, "double_sided": True,
    "sum_total": 1, "ignore_row_if": "never", "condition_parser": "spark", "escape": "x",
    "json_schema": {}, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]},
}  # fmt: skip
# A bound of a quantile may be null, which pydantic's schema of it does not say.
OWN_FORMS = {"quantile_ranges": {"type": "object", "required": ["quantiles", "value_ranges"]}}
NO_FORM = {"title", "description", "default", "examples", "multipleOf"}


@pytest.fixture(scope="module")
def city() -> Manifest:
    return load_city(ROOT / "schemas", ROOT / "expectations")


@pytest.fixture(scope="module")
def installed() -> dict[str, Any]:
    import great_expectations.expectations.registry as registry

    names = registry.list_registered_expectation_implementations()
    return {name: registry.get_expectation_impl(name) for name in names}


def _fields(kind: Any) -> Iterator[tuple[str, bool]]:
    from great_expectations.expectations.expectation import Expectation

    for name, field in kind.__fields__.items():
        if name not in Expectation.__fields__ and name not in NOT_ARGUMENTS:
            yield name, bool(field.required)


def _known(kind: Any) -> dict[str, Any] | None:
    """What ``expectations.json`` holds of an expectation; None where Spark can't judge it."""
    if not _is_on_spark(kind):
        return None
    schema = kind.schema()
    described, parts = schema["properties"], schema.get("definitions", {})
    fields = dict(_fields(kind))
    schemas = {n: _form(described[n], parts) for n in sorted(fields) if n not in CHECKED_OTHERWISE}
    return {
        "required": sorted(n for n, required in fields.items() if required),
        "optional": sorted(n for n, required in fields.items() if not required),
        "forms": {n: OWN_FORMS.get(n, form) for n, form in schemas.items() if form},
    }


def _is_on_spark(kind: Any) -> bool:
    from great_expectations.expectations import registry

    of_rows = getattr(kind, "map_metric", None)
    if of_rows is None:
        return True
    found = registry._registered_metrics.get(f"{of_rows}.condition", {"providers": {}})
    return "SparkDFExecutionEngine" in found["providers"]


def _form(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an argument, without words and without the place of a parameter."""
    if "$ref" in schema:
        return _form(parts[schema["$ref"].rpartition("/")[2]], parts)
    kept = {k: v for k, v in schema.items() if k not in NO_FORM}
    if "properties" in kept:
        kept["properties"] = {k: _form(v, parts) for k, v in kept["properties"].items()}
    branches = [_form(b, parts) for b in kept.get("anyOf", ()) if b != {"type": "object"}]
    if len(branches) == 1:
        return {**{k: v for k, v in kept.items() if k != "anyOf"}, **branches[0]}
    return {**kept, "anyOf": branches} if branches else kept


def test_the_known_expectations_are_the_installed_ones(installed: dict[str, Any]) -> None:
    found = {name: _known(kind) for name, kind in installed.items() if name not in LEFT_OUT}
    assert found == expectation_table()
    assert installed.keys() >= LEFT_OUT


def _spoiled(kind: Any) -> Iterator[dict[str, Any]]:
    """Arguments of a rule, each time with junk in the place of one."""
    sound = {
        name: value
        for name, value in SOUND.items()
        if name in kind.__fields__ and name not in NOT_ARGUMENTS
    }
    for one in (sound, {**sound, **({"column": "t"} if "column" in sound else {})}):
        yield {k: v for k, v in one.items() if k not in ("min_value", "max_value")}
        for name in one:
            for junk in (None, [], [None], "a", -1, 2, True, {"a": 1}):
                yield {**one, name: junk}


def test_what_great_expectations_refuses_is_refused_by_check(installed: dict[str, Any]) -> None:
    """The other way round does not hold: it takes sets of nulls and ranges that keep nothing."""
    passed = []
    for name, known in known_expectations().items():
        for arguments in _spoiled(installed[name]):
            said = {k: v for k, v in arguments.items() if v is not None}
            missing = [n for n in known["required"] if n not in said]
            columns = {"n": "number", "m": "number", "t": "string"}
            ours = [*missing, *check_columns(said, columns)]
            ours = ours or [*check_arguments(known["forms"], said)]
            ours = ours or [*check_meaning(name, said, columns)]
            if not ours and _is_refused(installed[name], said):
                passed.append((name, arguments))
    assert passed == [], "\n".join(map(str, passed))


def _is_refused(kind: Any, arguments: dict[str, Any]) -> bool:
    from great_expectations.compatibility.pydantic import ValidationError

    try:
        kind(**arguments)
    except ValidationError:
        return True
    return False


def test_the_rendered_suites_are_suites_of_great_expectations(city: Manifest) -> None:
    from great_expectations.core.expectation_suite import ExpectationSuite

    for dataset in city.datasets:
        suite = ExpectationSuite(**gx_suite(dataset))
        assert [e.meta["name"] for e in suite.expectations] == [r.id for r in dataset.rules]
        for expectation, rule in zip(suite.expectations, dataset.rules, strict=True):
            assert expectation.expectation_type == rule.expectation
            assert str(expectation.severity.value) == rule.severity
            for name, value in rule.kwargs.items():
                taken = getattr(expectation, name)  # text of a date comes back as a date
                assert taken == value or str(taken)[:10] == value[:10], (dataset.id, rule.id)
