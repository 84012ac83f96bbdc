"""Two datasets that are changed by hand, and the marts that are made from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nights import Nights

from civiclake.contracts.model import Manifest
from civiclake.io.lake import tables
from civiclake.io.ops.account import BatchResult
from civiclake.pipeline.marts.build import build

MART = "visits_by_weather"
FOLDER = f"health/{MART}"
VISITS, DAYS = "health.visits", "meteorology.daily"


class Town(Nights):
    """The two inputs of the mart, changed by hand, and the mart."""

    city: Manifest
    number = 0

    def make(self, dataset_id: str) -> None:
        with self.keys():
            dataset = self.city.dataset(dataset_id)
            tables.create_unified(self.spark, self.settings, dataset)

    def name(self, dataset_id: str) -> str:
        return tables.by_path(self.settings, tables.UNIFIED, dataset_id.replace(".", "_"))

    def sql(self, text: str) -> list[Any]:
        places = {"visits": self.name(VISITS), "days": self.name(DAYS), "mart": self.mart}
        return self.spark.sql(text.format(**places)).collect()

    @property
    def mart(self) -> str:
        return tables.by_path(self.settings, tables.MARTS, MART)

    def visit(self, first: int, last: int, day: str, age: str = "40", code: str = "J06.9") -> None:
        """Append visits of a day."""
        self.sql(
            "INSERT INTO {visits} (visit_id, citizen_id, facility_id, visited_at, diagnosis_code,"
            " sex, age_years, cost_amount, updated_at, _sequence, _batch_id, _record_id)"
            f" SELECT concat('V', id), concat('C', id % 5), 'F1', TIMESTAMP '{day} 08:00:00',"
            f" '{code}', 'F', {age}, 1.0, TIMESTAMP '{day} 09:00:00', TIMESTAMP '{day} 09:00:00',"
            f" 'b', concat('r', id) FROM range({first}, {last})"
        )

    def weather(self, *days: str, wind: float = 1.0) -> None:
        for day in days:
            self.sql(
                "INSERT INTO {days} (date, precipitation_mm, temp_max_c, temp_min_c, wind_m_per_s,"
                f" weather, _sequence, _batch_id, _record_id) VALUES (DATE '{day}', 0, 5, {wind},"
                f" {wind}, 'sun', TIMESTAMP '{day} 00:00:00', 'b', 'r{day}')"
            )

    def refresh(self, name: str = MART, *, full: bool = False) -> BatchResult:
        self.number += 1
        with self.keys():
            return build(self.settings, self.city, name, f"n{self.number}", full=full)

    def ledger(self, *columns: str) -> list[Any]:
        """The mart's rows of the ledger, in the order in which they began."""
        rows = self.spark.table(tables.by_path(self.settings, tables.OPS, "batches"))
        return [tuple(row) for row in rows.orderBy("started_at").select(*columns).collect()]

    @contextmanager
    def words(self, said: str) -> Iterator[None]:
        """Commits by hand, to which a person adds words of their own."""
        name = "spark.databricks.delta.commitInfo.userMetadata"
        self.spark.conf.set(name, said)
        yield
        self.spark.conf.unset(name)

    def truth(self) -> list[Any]:
        """What the query gives over the whole inputs."""
        text = (self.settings.marts_dir / FOLDER / "query.sql").read_text()
        for dataset_id in (VISITS, DAYS):
            text = text.replace(f"unified.{dataset_id.replace('.', '_')}", self.name(dataset_id))
        return sorted(self.spark.sql(text).collect(), key=str)

    def served(self) -> list[Any]:
        return sorted(self.spark.table(self.mart).collect(), key=str)

    def check(self, said: str, *, full: bool = False) -> BatchResult:
        """Refresh, and hold the mart against a full build."""
        result = self.refresh(full=full)
        assert said in result.message
        assert result.read == result.inserted
        assert self.served() == self.truth()
        return result
