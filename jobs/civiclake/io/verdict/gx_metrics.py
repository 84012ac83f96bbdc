"""Great Expectations without the queries whose answers are thrown away.

For every rule on rows it asks Spark for the values that break the rule, even where a result
shall hold none of them (``partial_unexpected_count`` 0): one job for each rule that brings
back an empty list. The counts themselves all come from one or two aggregates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_VALUES = "unexpected_values"


def answer_values_without_spark(expectations: Iterable[str]) -> None:
    """Let no rule of these types fetch the values that break it.

    Args:
        expectations: types such as ``expect_column_values_to_be_between``. Those that judge a
            batch as a whole have no such values and stay as they are.
    """
    from great_expectations.core.metric_function_types import MetricFunctionTypes
    from great_expectations.execution_engine.sparkdf_execution_engine import (
        SparkDFExecutionEngine,
    )
    from great_expectations.expectations.metrics.metric_provider import MetricProvider
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        get_metric_kwargs,
        register_metric,
    )

    for expectation in expectations:
        rows_metric = getattr(get_expectation_impl(expectation), "map_metric", None)
        if rows_metric is None:
            continue
        name = f"{rows_metric}.{_VALUES}"
        keys = get_metric_kwargs(name)
        register_metric(
            metric_name=name,
            metric_domain_keys=keys["metric_domain_keys"],
            metric_value_keys=keys["metric_value_keys"],
            execution_engine=SparkDFExecutionEngine,
            metric_class=MetricProvider,
            metric_provider=_no_values,
            metric_fn_type=MetricFunctionTypes.VALUE,
        )


def _no_values(*_: Any, **__: Any) -> list[Any]:
    """What Great Expectations makes of a query with ``LIMIT 0``."""
    return []
