"""What the contracts say in Great Expectations' terms is what the installed version takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from civiclake.contracts.load import load_city
from civiclake.contracts.model import Manifest
from civiclake.contracts.render import gx_suite
from civiclake.contracts.suites import known_expectations

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


def test_the_known_expectations_are_the_installed_ones(installed: dict[str, Any]) -> None:
    found = {
        name: {
            "required": sorted(n for n, required in _fields(kind) if required),
            "optional": sorted(n for n, required in _fields(kind) if not required),
        }
        for name, kind in installed.items()
        if name not in LEFT_OUT
    }
    assert found == known_expectations()
    assert installed.keys() >= LEFT_OUT


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
