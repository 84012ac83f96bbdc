"""``check``, ``compile`` and ``render``: what the contracts say."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import yaml

from civiclake.cli import city
from civiclake.cli.console import put, say
from civiclake.contracts import render
from civiclake.contracts.check import examine
from civiclake.contracts.warnings import warnings
from civiclake.errors import ContractError
from civiclake.pipeline.plans.kinds import KINDS, check_kinds
from civiclake.settings import load_settings


class Kind(StrEnum):
    """What can be rendered."""

    SCHEMA = "schema"
    DDL = "ddl"
    SUITE = "suite"
    DAG = "dag"
    CATALOGUE = "catalogue"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("check")(check)
    app.command("compile")(compile_contracts)
    app.command("render")(render_contract)


def check(
    schemas: Annotated[Path | None, typer.Option(help="another folder of contracts")] = None,
    expectations: Annotated[Path | None, typer.Option(help="another folder of suites")] = None,
    marts: Annotated[Path | None, typer.Option(help="another folder of marts")] = None,
) -> None:
    """Check every contract, shared column, code list, suite and mart; list all faults at once.

    What is allowed and yet seldom meant is told as a warning, with which the check passes.
    """
    settings = load_settings()
    found = examine(
        schemas or settings.schemas_dir,
        expectations or settings.expectations_dir,
        marts or settings.marts_dir,
    )
    problems = found.faults.problems
    if problems:
        raise ContractError([*problems, f"{len(problems)} faults in all; nothing was run"])
    datasets = (draft.dataset for draft in found.drafts if draft.dataset)
    check_kinds((marts or settings.marts_dir) / KINDS, datasets)
    told = warnings(found)
    for warning in told:
        say(f"warning: {warning}")
    columns = sum(len(draft.compiled.columns) for draft in found.drafts)
    rules = sum(len(draft.dataset.rules) for draft in found.drafts if draft.dataset)
    put(
        f"{len(found.drafts)} contracts, {columns} columns, {rules} rules,"
        f" {len(found.marts)} marts: sound" + (f"; {len(told)} warnings" if told else "")
    )


def compile_contracts() -> None:
    """Write the manifest that Airflow's DAGs are built from; faulty contracts stay as they were."""
    settings = load_settings()
    made = city.compile_city(settings)
    faults = city.problems(made)
    if faults:
        raise ContractError(
            [*faults, f"{len(faults)} faults in all; what is free of them was compiled"]
        )
    say(f"compiled {len(made.datasets)} contracts into {settings.manifest_path}")


def render_contract(
    kind: Annotated[Kind, typer.Argument(help="what to derive")],
    name: Annotated[str, typer.Argument(help="a dataset's id, or a department for `dag`")],
) -> None:
    """Print what is derived from a contract: its schema, DDL, whole suite, DAG or page."""
    settings = load_settings()
    if kind is Kind.DAG:
        made = render.dag(city.read(settings), name)
        put(yaml.safe_dump(made, sort_keys=False, allow_unicode=True))
        return
    dataset = city.dataset(settings, name)
    if kind is Kind.SCHEMA:
        put(json.dumps(render.spark_schema(dataset), indent=2))
    elif kind is Kind.SUITE:
        put(json.dumps(render.gx_suite(dataset), indent=2))
    elif kind is Kind.DDL:
        put(render.table_ddl(dataset, f"{settings.lake}/unified/{dataset.table}"))
    else:
        put(render.catalogue(dataset))
