"""The whole suite in Great Expectations' JSON: what the contract says and what a person wrote."""

from __future__ import annotations

from typing import Any

from civiclake.contracts.model import Dataset, Rule


def gx_suite(dataset: Dataset) -> dict[str, Any]:
    """A suite that ``great_expectations.ExpectationSuite(**suite)`` reads."""
    return {
        "name": dataset.id,
        "expectations": [_expectation(rule) for rule in dataset.rules],
        "meta": {"contract": dataset.path, "contract_version": dataset.version},
    }


def _expectation(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": rule.expectation,
        "kwargs": rule.kwargs,
        "meta": {"name": rule.id, "origin": rule.origin},
        "severity": str(rule.severity),
    }
    if rule.description:
        found["description"] = rule.description
    return found
