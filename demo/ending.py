"""The end of the demo: the accounts against the truth, and where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from civiclake.cli.console import put, show_table
from civiclake.engine import analysts, session
from civiclake.errors import AccountError
from civiclake.io.lake import tables
from civiclake.io.ops.account import Account as Counts
from civiclake.io.ops.account import BatchResult
from civiclake.local import airflow, airflow_env
from civiclake.local.airflow_api import Client
from civiclake.settings import Settings
from demo import exposure, recognition, sources
from demo.city.residents import City
from demo.city.truth import Truth

Account = BatchResult
_COUNTED = (
    "read", "inserted", "updated", "unchanged", "superseded", "late", "quarantined", "deleted",
)  # fmt: skip
_FIRM = ("read", "superseded", "quarantined", "reasons")
"""What a batch accounts for however often it is run."""
QUERY = (
    "select weather, count(*) as days, sum(visits) as visits, round(avg(temp_max_c), 1) as"
    " mean_high_c from marts.visits_by_weather group by weather order by days desc"
)

PRECISION, RECALL = 0.995, 0.98
"""What linkage must reach in the sample city."""


def accounts(api: Client, runs: Mapping[str, str]) -> list[Account]:
    """What the load and mart tasks of these runs (DAG id to run id) handed back."""
    found = []
    for dag, run_id in runs.items():
        for task in api.tasks(dag, run_id):
            if task.task_id.endswith(("load", "build", "link")):
                told = api.xcom(dag, run_id, task.task_id)
                found.append(BatchResult.model_validate(told))
    return sorted(found, key=lambda a: a.dataset)


def show(settings: Settings, found: Sequence[Account], truth: Truth) -> bool:
    """Print table and addresses; whether every balance holds and the truth is met."""
    head = ("dataset", *("set aside" if n == "quarantined" else n for n in _COUNTED), "seconds")
    rows = [(a.dataset, *(getattr(a, name) for name in _COUNTED), a.seconds) for a in found]
    put("")
    show_table(head, rows, title=f"Night {truth.night}, batch {truth.batch_id}")
    problems = [p for account in found for p in _problems(account, truth)]
    missing = sorted(truth.datasets.keys() - {a.dataset for a in found})
    problems += [f"{name} has no account" for name in missing]
    if not problems:
        put("Every row read is accounted for, and the known defects are the rows set aside.")
    problems += [*_recognised(settings), *_exposed(settings, City(truth.seed, truth.residents))]
    for problem in problems:
        put(f"WRONG: {problem}")
    _addresses(settings, truth.night + 1)
    return not problems


def _problems(account: Account, truth: Truth) -> list[str]:
    """Why an account is not as it must be."""
    found = []
    try:
        Counts(**{name: getattr(account, name) for name in _COUNTED}).check(account.dataset)
    except AccountError as error:
        found.append(str(error))
    expected = truth.datasets.get(account.dataset)
    if expected is None:
        return found
    # A batch that is run again finds served what it brought, or something newer.
    firm = _FIRM if account.attempt > 1 else (*_COUNTED, "reasons")
    for name in firm:
        counted, wanted = getattr(account, name), getattr(expected, name)
        if counted != wanted:
            found.append(f"{account.dataset}: {name} is {counted}, expected {wanted}")
    return found


def person_links(settings: Settings) -> list[tuple[str, str, str]]:
    """Person, dataset and key of every record that is linked now; by the jobs' door alone."""
    spark = session.connect(settings)
    try:
        links = spark.table(tables.by_path(settings, tables.UNIFIED, "person_link"))
        rows = links.where("valid_to IS NULL").select("person_id", "dataset", "record_key")
        return [(str(person), str(dataset), str(key)) for person, dataset, key in rows.collect()]
    finally:
        spark.stop()


def _recognised(settings: Settings) -> list[str]:
    """Say how well linkage did; a city's residents are easier than people, so it must do well."""
    links = person_links(settings)
    found = recognition.score(links, sources.who_path(settings))
    persons = len({person for person, _, _ in links})
    said = (
        f"{found.records:,} records are linked to {persons:,} persons: of all pairs of records,"
        f" precision {found.precision:.4f}, recall {found.recall:.4f}"
    )
    put(f"{said}.")
    return [said] if found.precision < PRECISION or found.recall < RECALL else []


def _exposed(settings: Settings, city: City) -> list[str]:
    """Look for identifiers where none may be."""
    scan = exposure.scan(settings, city)
    if not scan.found:
        put(f"{scan.files:,} files of tables, logs and Data Docs hold no identifier of a resident.")
    return [f"an identifier stands in {place}" for place in scan.found]


def _addresses(settings: Settings, following: int) -> None:
    engine, door = settings.engine, analysts.DEFAULT
    put("")
    put(f"Airflow    {airflow_env.url(settings)}")
    put(f"           user {airflow_env.USER}, password {airflow.password(settings)}")
    put(f"Brief      {airflow_env.url(settings)}/tonight/brief/index.html")
    put(f"           or from disk: {(settings.brief_dir / 'index.html').absolute().as_uri()}")
    put(f"SQL        jdbc:hive2://{engine.host}:{engine.sql_port}/")
    put(f"           user {door}, password {analysts.default_password(settings)}")
    put(f'           make sql Q="{QUERY}"')
    put(f"Data Docs  {(settings.data_docs_dir / 'index.html').absolute().as_uri()}")
    put("")
    put(f"make demo NIGHT={following} runs the next night; make down stops everything.")
