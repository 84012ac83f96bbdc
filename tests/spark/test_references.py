"""Values that another table must hold: found alike, however large that table is."""

from __future__ import annotations

from nights import city
from pyspark.sql import SparkSession

from civiclake.contracts import model
from civiclake.steps.standardize import with_references


def test_a_large_reference_is_not_copied_to_every_task(spark: SparkSession) -> None:
    dataset = city().dataset("health.visits")
    (name,) = (column.name for column in dataset.columns if column.reference is not None)
    typed = spark.sql(f"SELECT * FROM VALUES ('F1'), ('F2'), (NULL) AS t({name})")
    parents = {name: spark.sql("SELECT * FROM VALUES ('F1'), ('F3'), ('F1') AS t(id)")}
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", "-1")
    try:
        found = {}
        for large in (False, True):
            marked = with_references(typed, dataset, parents, {name} if large else ())
            marked.createOrReplaceTempView("marked")
            rows = marked.select(model.ORPHAN_PREFIX + name).collect()
            assert sorted(str(row[0]) for row in rows) == ["F2", "None", "None"]
            plan = spark.sql("EXPLAIN SELECT * FROM marked").collect()[0][0]
            found[large] = "Broadcast" in plan
    finally:
        spark.conf.unset("spark.sql.autoBroadcastJoinThreshold")
    assert found == {False: True, True: False}
