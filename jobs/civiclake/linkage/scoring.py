"""Scoring pairs of profiles by Fellegi and Sunter's model, with Splink on DuckDB."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator
from splink.blocking_rule_library import CustomRule

from civiclake.linkage.profiles import PROFILE
from civiclake.linkage.subject import VERIFIED, Comparison, Subject

log = logging.getLogger(__name__)


Edge = tuple[str, str, float]
"""Two profiles, the smaller id first, and the probability that they are one."""


@dataclass(frozen=True)
class Training:
    """What estimating the model may cost, and what it starts from."""

    seed: int
    max_pairs: float
    min_profiles: int
    """Below this many, the model's own starting values are better than any estimate."""
    recall: float
    """How many true pairs the certain rules are thought to find."""


def train(subject: Subject, profiles: pa.Table, training: Training) -> str:
    """Estimate the model's parameters from all profiles.

    Returns:
        The model as JSON: conditions and probabilities, and no value of any profile.
    """
    api = _backend()
    registered = api.register(profiles, table_name="profiles")
    linker = Linker(registered, _settings(subject), log_level=logging.ERROR)
    if profiles.num_rows >= training.min_profiles:
        estimate = linker.training
        estimate.estimate_u_using_random_sampling(
            max_pairs=training.max_pairs, seed=training.seed, num_chunks=1
        )
        for block in subject.training:
            within = _rule(block, _UNDECIDED)
            # A field that no record has makes a block of no pairs, where nothing is learnt and
            # Splink would lose the comparison.
            if _any_pair(api.duckdb_con, within):
                estimate.estimate_parameters_using_expectation_maximisation(
                    within, max_pairs=training.max_pairs
                )
        estimate.estimate_probability_two_random_records_match(
            [_rule(r) for r in subject.certain], recall=training.recall
        )
    else:
        log.info("%d profiles are too few to learn from", profiles.num_rows)
    return json.dumps(_rounded(linker.misc.save_model_to_json()))


def score(model: str, known: pa.Table, fresh: pa.Table, threshold: float) -> list[Edge]:
    """Score the fresh profiles against each other and against those that are known.

    Args:
        model: from :func:`train`.
        known: derived values of profiles that were scored before.
        fresh: derived values of all others.
        threshold: the least probability to keep.
    """
    if not fresh.num_rows:
        return []
    settings = json.loads(model)
    api = _backend()
    left = api.register(fresh, table_name="fresh")
    linker = Linker(left, settings, log_level=logging.ERROR)
    found = [linker.inference.predict_within(left, threshold_match_probability=threshold)]
    if known.num_rows:
        right = api.register(known, table_name="known")
        found.append(
            linker.inference.predict_between(left, right, threshold_match_probability=threshold)
        )
    return sorted(edge for frame in found for edge in _edges(frame))


_UNDECIDED = f"(l.{VERIFIED} IS NULL OR r.{VERIFIED} IS NULL)"
"""Two verified identifiers decide without a score, so no such pair is compared or learnt from."""


def _rounded(value: Any) -> Any:
    """Without the last digits, which depend on the order in which threads have added up."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _rule(expressions: Sequence[str], *further: str) -> str:
    equal = [f"{e.format('l')} = {e.format('r')}" for e in expressions]
    return " AND ".join([*equal, *further])


def _backend() -> DuckDBAPI:
    """In memory alone: what does not fit fails, and is not spilled to a disk in clear text."""
    return DuckDBAPI(duckdb.connect(config={"temp_directory": "", "threads": _cores()}))


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _any_pair(connection: duckdb.DuckDBPyConnection, within: str) -> bool:
    sides = f"profiles AS l JOIN profiles AS r ON {within} AND l.{PROFILE} < r.{PROFILE}"
    # All of it: until a result is fetched to its end, DuckDB lets the connection do nothing else.
    return bool(connection.execute(f"SELECT 1 FROM {sides} LIMIT 1").fetchall())


def _settings(subject: Subject) -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=PROFILE,
        comparisons=[_comparison(c) for c in subject.comparisons],
        blocking_rules_to_generate_predictions=[
            CustomRule(_rule(r, _UNDECIDED)) for r in subject.blocking
        ],
        retain_matching_columns=False,
        linker_uid=subject.name,
    )


def _comparison(comparison: Comparison) -> dict[str, Any]:
    levels = [
        {
            "sql_condition": level.condition,
            "m_probability": level.m,
            "u_probability": level.u,
            "fix_u_probability": comparison.fixed,
        }
        for level in comparison.levels
    ]
    missing = {"sql_condition": comparison.missing, "is_null_level": True}
    return {"output_column_name": comparison.name, "comparison_levels": [missing, *levels]}


def _edges(frame: Any) -> Iterator[Edge]:
    names = (f"{PROFILE}_l", f"{PROFILE}_r", "match_probability")
    table = frame.as_pyarrow_table().select(names)
    for left, right, probability in zip(*(c.to_pylist() for c in table.columns), strict=True):
        yield min(left, right), max(left, right), round(probability, 6)
