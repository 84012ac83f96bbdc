"""What the DAG files make of the compiled contracts."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import Asset
from airflow.serialization.serialized_objects import DagSerialization
from conftest import DAGS

from nightly.plan import BUILD_SECONDS, LEDGER, read_plan

Deploy = Callable[[dict[str, Any]], None]
READ_FROM_THE_PLAN = (
    "alerts", "departments", "marts", "deliveries", "backfill", "maintenance", "brief",
)  # fmt: skip
FILES = {"contracts.py", *(f"{name}.py" for name in READ_FROM_THE_PLAN)}
OF_THE_CITY = {"alerts", "deliveries", "backfill", "maintenance", "brief"}
"""DAGs that are there once, whatever departments there are."""


def load_dags() -> DagBag:
    return DagBag(str(DAGS), bundle_name="dags-folder", bundle_path=DAGS)


def arriving(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The marts that the arrival of something makes run."""
    return [mart for mart in manifest["marts"] if not set(mart["inputs"]) <= set(LEDGER)]


@pytest.fixture
def bag(compiled: dict[str, Any], deploy: Deploy) -> DagBag:
    deploy(compiled)
    return load_dags()


def test_every_contract_has_its_two_tasks(bag: DagBag, compiled: dict[str, Any]) -> None:
    assert bag.import_errors == {}
    assert len(compiled["datasets"]) >= 30
    departments = {d["department"] for d in compiled["datasets"]}
    marts = {f"mart_{m['name']}" for m in arriving(compiled)}
    links = {f"link_{link['name']}" for link in compiled["links"]}
    assert set(bag.dags) == departments | marts | links | OF_THE_CITY
    for department in departments:
        names = [d["name"] for d in compiled["datasets"] if d["department"] == department]
        wanted = {f"{name}.{step}" for name in names for step in ("extract", "load")}
        assert set(bag.dags[department].task_ids) == wanted
        for name in names:
            load = bag.dags[department].get_task(f"{name}.load")
            assert f"{name}.extract" in load.upstream_task_ids


def test_only_these_files_are_read_as_dags(bag: DagBag) -> None:
    assert {Path(stat.file).name for stat in bag.dagbag_stats} == FILES


def test_tasks_run_the_commands_of_their_dataset(bag: DagBag, compiled: dict[str, Any]) -> None:
    for dataset in compiled["datasets"]:
        dag = bag.dags[dataset["department"]]
        extract, load = (dag.get_task(f"{dataset['name']}.{s}") for s in ("extract", "load"))
        assert extract.arguments == ["extract", dataset["id"]]
        assert load.arguments == ["load", dataset["id"]]
        assert extract.connection == dataset["source"]["connection"]
        assert load.connection is None


def test_a_table_has_one_writer(bag: DagBag, compiled: dict[str, Any]) -> None:
    pools = []
    for dataset in compiled["datasets"]:
        load = bag.dags[dataset["department"]].get_task(f"{dataset['name']}.load")
        pools.append(load.pool)
        assert load.pool == f"table_{dataset['department']}_{dataset['name']}"
        assert load.pool_slots == 1
    assert len(set(pools)) == len(pools)
    assert all(bag.dags[d].max_active_runs == 1 for d in set(bag.dags) - {"backfill"})


def test_retries_wait_longer_each_time(bag: DagBag) -> None:
    for dag in bag.dags.values():
        for task in dag.tasks:
            if (dag.dag_id, task.task_id) in {("deliveries", "absent"), ("alerts", "send")}:
                continue  # not there on a second look either; or tried again by the next run
            assert task.retries == 2
            assert task.retry_delay == timedelta(seconds=15)
            assert task.retry_exponential_backoff > 1
            assert task.max_retry_delay == timedelta(minutes=30)


def test_every_task_has_the_owner_of_its_contract(bag: DagBag, compiled: dict[str, Any]) -> None:
    for dataset in compiled["datasets"]:
        dag = bag.dags[dataset["department"]]
        owner = dataset["owner"]["name"].replace(",", " /")
        for step in ("extract", "load"):
            task = dag.get_task(f"{dataset['name']}.{step}")
            assert task.owner == owner
            assert dataset["path"] in task.doc_md
        assert owner in dag.owner_links
        assert dataset["owner"]["contact"] in dag.owner_links[owner]
        assert dataset["id"] in dag.doc_md
    for dag in bag.dags.values():
        assert dag.tags
        assert all(task.owner != "airflow" for task in dag.tasks)


def test_a_mart_and_a_link_are_answered_for_by_their_own_owner(
    bag: DagBag, compiled: dict[str, Any]
) -> None:
    for mart in arriving(compiled):
        task = bag.dags[f"mart_{mart['name']}"].get_task("build")
        assert task.owner == mart["owner"]["name"].replace(",", " /")
        assert task.answers.contact == mart["owner"]["contact"]
    for link in compiled["links"]:
        task = bag.dags[f"link_{link['name']}"].get_task("link")
        assert task.owner == task.answers.name == "Operators"


def test_an_owner_with_a_comma_stays_one_owner(compiled: dict[str, Any], deploy: Deploy) -> None:
    manifest = copy.deepcopy(compiled)
    for dataset in manifest["datasets"]:
        dataset["owner"] = {"name": "Roads, bridges", "contact": "see the notice board"}
    for mart in manifest["marts"]:
        mart["owner"] = {"name": "Roads, bridges", "contact": "-", "channel": None}
    deploy(manifest)
    bag = load_dags()
    others = {f"link_{link['name']}" for link in manifest["links"]} | OF_THE_CITY
    owners = {bag.dags[d].owner for d in set(bag.dags) - others}
    assert owners == {"Roads / bridges"}
    assert bag.dags["transport"].owner_links == {}


def _table(input_id: str) -> str:
    """The asset of an input, as a mart's contract names it."""
    kind, _, name = input_id.partition(".")
    if kind in ("marts", "links"):
        return f"civiclake://{'marts' if kind == 'marts' else 'unified'}/{name}"
    return f"civiclake://unified/{kind}_{name}"


def test_a_mart_of_a_mart_and_of_links_waits_for_those(
    compiled: dict[str, Any], deploy: Deploy
) -> None:
    manifest = copy.deepcopy(compiled)
    first = manifest["marts"][0]
    second = {**first, "name": "second", "description": "Another.", "latency_seconds": None}
    second["inputs"] = [f"marts.{first['name']}", "links.person"]
    manifest["marts"].append(second)
    deploy(manifest)
    dag = load_dags().dags["mart_second"]
    waited = {asset.uri for asset in dag.timetable.asset_condition.objects}
    assert waited == {f"civiclake://marts/{first['name']}", "civiclake://unified/person"}
    assert f"`marts.{first['name']}`" in dag.doc_md
    assert dag.doc_md.startswith("Another.")
    plan = read_plan()
    made = {one.id: one for one in plan.made}
    latest = max(
        made[f"marts.{first['name']}"].latency_seconds, made["link.person"].latency_seconds
    )
    assert made["marts.second"].latency_seconds == latest + BUILD_SECONDS


def test_loads_hand_on_assets_and_the_mart_waits_for_its_inputs(
    bag: DagBag, compiled: dict[str, Any]
) -> None:
    made = {
        outlet.uri: outlet
        for dag in bag.dags.values()
        for task in dag.tasks
        for outlet in task.outlets
        if isinstance(outlet, Asset)
    }
    for dataset in compiled["datasets"]:
        assert f"civiclake://unified/{dataset['department']}_{dataset['name']}" in made
    assert compiled["marts"]
    for mart in arriving(compiled):
        dag = bag.dags[f"mart_{mart['name']}"]
        inputs = {_table(name) for name in mart["inputs"]}
        waited = {asset.uri: asset for asset in dag.timetable.asset_condition.objects}
        assert set(waited) == inputs
        assert all(waited[uri] == made[uri] for uri in inputs)
        assert [task.pool for task in dag.tasks] == [f"mart_{mart['name']}"]


def test_who_is_who_waits_for_all_that_say_who(bag: DagBag, compiled: dict[str, Any]) -> None:
    assert {link["name"] for link in compiled["links"]} >= {"person", "place"}
    for link in compiled["links"]:
        dag = bag.dags[f"link_{link['name']}"]
        waited = {asset.uri for asset in dag.timetable.asset_condition.objects}
        assert waited == {f"civiclake://unified/{i.replace('.', '_')}" for i in link["inputs"]}
        (task,) = dag.tasks
        assert task.arguments == ["link", link["name"]]
        assert task.pool == f"link_{link['name']}"
        made = {outlet.uri for outlet in task.outlets}
        assert made == {
            f"civiclake://unified/{link['name']}",
            f"civiclake://unified/{link['name']}_link",
        }


def test_the_night_of_marts_ends_with_the_brief(
    bag: DagBag, compiled: dict[str, Any], deploy: Deploy
) -> None:
    dag = bag.dags["brief"]
    task = dag.get_task("write")
    assert task.words({}) == ["brief"]
    assert task.pool == "brief"
    waits = {one.uri for one in dag.timetable.asset_condition.objects}
    assert "civiclake://marts/transit_lines" in waits
    # What is made of the ledger comes before it, and waits for nothing that arrives.
    before = {"mart_department_scorecard", "mart_detector_record"}
    assert task.upstream_task_ids == before == set(dag.task_ids) - {"write"}
    assert task.trigger_rule == "all_done"
    assert dag.get_task("mart_detector_record").arguments == ["mart", "detector_record"]
    assert not {f"civiclake://marts/{name.removeprefix('mart_')}" for name in before} & waits
    assert dag.timetable.timetable.expression == "0 6 * * *"
    deploy({**compiled, "pages": [], "marts": arriving(compiled)})
    assert "brief" not in load_dags().dags


def test_maintenance_runs_by_day_and_after_whatever_else_waits(bag: DagBag) -> None:
    dag = bag.dags["maintenance"]
    (task,) = dag.tasks
    assert task.words({}) == ["maintain", "--all"]
    assert (task.pool, task.pool_slots) == ("maintenance", 1)
    assert task.priority_weight < min(
        t.priority_weight for d in bag.dags.values() for t in d.tasks if d is not dag
    )
    assert dag.max_active_runs == 1
    hour = int(dag.timetable.expression.split()[1])
    nights = [int(d.timetable.expression.split()[1]) for d in bag.dags.values() if d.deadline]
    assert nights
    assert max(nights) + 4 < hour < 20


def test_what_is_referred_to_is_loaded_before(bag: DagBag) -> None:
    visits = bag.dags["health"].get_task("visits.load")
    assert visits.upstream_task_ids == {"visits.extract", "facilities.load"}
    # Extracts wait for nobody: a source is read as early as it can be.
    assert not bag.dags["health"].get_task("visits.extract").upstream_task_ids


def test_references_across_departments_never_wait_for_each_other(
    compiled: dict[str, Any], deploy: Deploy
) -> None:
    manifest = copy.deepcopy(compiled)
    by_id = {d["id"]: d for d in manifest["datasets"]}
    for mine, other in (
        ("health.facilities", "transport.stops"),
        ("transport.stops", "health.facilities"),
    ):
        reference = {"dataset": other, "column": by_id[other]["columns"][0]["name"]}
        by_id[mine]["columns"][0]["reference"] = reference
    deploy(manifest)
    bag = load_dags()
    assert bag.import_errors == {}
    assert len(bag.dags) >= 4
    for department, name in (("health", "facilities"), ("transport", "stops")):
        load = bag.dags[department].get_task(f"{name}.load")
        assert load.upstream_task_ids == {f"{name}.extract"}
        assert {type(t).__name__ for t in bag.dags[department].tasks} == {"CivicLakeCommand"}


def test_dags_survive_serialisation_with_their_deadline(
    bag: DagBag, compiled: dict[str, Any]
) -> None:
    for dag_id, dag in bag.dags.items():
        data = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        back = DagSerialization.from_dict(data)
        assert set(back.task_ids) == set(dag.task_ids)
        if dag_id.startswith(("mart_", "link_")) or dag_id in OF_THE_CITY:
            continue
        promises = [d["latency_seconds"] for d in compiled["datasets"] if d["department"] == dag_id]
        (deadline,) = dag.deadline
        assert deadline.interval == timedelta(seconds=min(promises))
        text = json.dumps(data["dag"]["deadline"])
        assert "nightly.alerts.deadline_missed" in text
        assert "nightly.deadline.NightBegun" in text


@pytest.mark.parametrize(
    ("manifest", "told"),
    [(None, "is missing: run `civiclake compile`"), ({"datasets": []}, "holds no dataset")],
)
def test_no_dataset_is_an_error_and_not_an_empty_night(
    manifest: dict[str, Any] | None,
    told: str,
    deploy: Deploy,
) -> None:
    if manifest is not None:
        deploy(manifest)
    bag = load_dags()
    assert not bag.dags
    wrong = {Path(file).name: text for file, text in bag.import_errors.items()}
    assert set(wrong) == FILES - {"contracts.py"}
    assert all(told in text for text in wrong.values())


_OF_THE_CITY = 6
"""Tasks that are there whatever departments there are."""
_TIMED = """
import json, runpy, sys, time
import airflow.sdk
before = set(sys.modules)
began = time.process_time()  # other tests may run beside this one
found = [runpy.run_path(f"{sys.argv[1]}/{n}.py") for n in sys.argv[2:]]
seconds = time.process_time() - began
dags = [v for names in found for v in names.values() if isinstance(v, airflow.sdk.DAG)]
print(json.dumps([seconds, sum(len(d.tasks) for d in dags), sorted(set(sys.modules) - before)]))
"""


def parse_in_a_fresh_process() -> tuple[float, int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _TIMED, str(DAGS), *READ_FROM_THE_PLAN],
        env={**os.environ, "PYTHONPATH": str(DAGS)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, tasks, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, tasks, modules


def test_parsing_takes_less_than_a_second(compiled: dict[str, Any], deploy: Deploy) -> None:
    deploy(compiled)
    seconds, tasks, modules = parse_in_a_fresh_process()
    following = len(compiled["marts"]) + len(compiled["links"]) + _OF_THE_CITY + 1  # and the brief
    assert tasks == 2 * len(compiled["datasets"]) + following
    assert seconds < 1.0
    heavy = {"pyspark", "great_expectations", "civiclake", "pandas", "pydantic"}
    assert not heavy & {name.partition(".")[0] for name in modules}


def test_a_thousand_datasets_are_parsed_in_seconds(
    compiled: dict[str, Any], deploy: Deploy
) -> None:
    copies = []
    for number in range(1000):
        dataset = copy.deepcopy(compiled["datasets"][number % len(compiled["datasets"])])
        dataset["department"] = f"department_{number // 20}"
        dataset["name"] += f"_{number}"
        dataset["id"] = f"{dataset['department']}.{dataset['name']}"
        copies.append(dataset)
    deploy({**compiled, "datasets": copies, "marts": [], "links": []})
    seconds, tasks, _ = parse_in_a_fresh_process()
    assert tasks == 2000 + _OF_THE_CITY
    assert seconds < 5.0


def test_the_manifest_is_read_once_until_it_is_written_again(
    compiled: dict[str, Any], deploy: Deploy
) -> None:
    deploy(compiled)
    first = read_plan()
    assert read_plan() is first
    deploy({**compiled, "datasets": compiled["datasets"][:1], "marts": [], "links": []})
    assert [len(d.datasets) for d in read_plan().departments] == [1]
