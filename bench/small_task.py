"""Eight small datasets of one lake, loaded in turn: run by ``bench.small``, version by version.

It stands alone, because it runs in the environment of another version, too: ``python small_task.py
CHECKOUT``. Each line that it reads lets it load one more night of all eight, and answer with a line
of JSON: CPU seconds of the engine and of this process, wall seconds, CPU seconds by step, and what
is served and set aside since, as a fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

ROWS, CHANGED, BROKEN = 1000, 100, 10
_OF_ITS_OWN = ("judged_at", "rules_version", "fingerprint", "last_seen_at")
"""What two runs of one version have each for itself: when, and by which folder it was known."""
_TICKS = os.sysconf("SC_CLK_TCK")
Row = Callable[[int, int], str]


def _day(number: int) -> str:
    return f"{2010 + number // 336}/{number // 28 % 12 + 1:02}/{number % 28 + 1:02}"


def _weather(number: int, night: int) -> str:
    """One day; of the last of a night the wind is broken."""
    wind = -1 if number >= ROWS - BROKEN else 1 + night
    return f"{_day(number)},1.0,9.0,1.0,{wind},sun"


def _crimes(number: int, night: int) -> str:
    """One area of a year; the broken ones have more aggravated assaults than assaults."""
    worse = 99 if number >= ROWS - BROKEN else 5
    year = 2000 + night if number < ROWS - BROKEN else 1999
    few = f"7,3,{worse and 9},{worse},4,6,1,2,3,4,1,0,5,2,1,{number}"
    return f"{year},Mitte,{10_000 + number},Tiergarten {number},{few}"


def _facilities(number: int, night: int) -> str:
    """One facility; the broken ones have too many beds."""
    beds = 99_999 if number >= ROWS - BROKEN else 10 + night
    return f"F{number:04},Clinic {number},clinic,990101,{beds},47.6,-122.3,1990-05-01"


def _routes(number: int, night: int) -> str:
    """One line of a network; the broken ones are of no known kind."""
    kind = 99 if number >= ROWS - BROKEN else 3
    return f"R{number},{number},Line {number} of {night},,{kind},,7BC142,000000"


KINDS: dict[str, tuple[str, Row]] = {
    "meteorology.daily": ("date,precipitation,temp_max,temp_min,wind,weather", _weather),
    "public_security.crimes": (
        "Year,District,Code,Location,Robbery,Street_robbery,Injury,Agg_assault,Threat,Theft,Car,"
        "From_car,Bike,Burglary,Fire,Arson,Damage,Graffiti,Drugs,Local", _crimes,
    ),
    "health.facilities": (
        "facility_id,name,kind,district_code,beds,latitude,longitude,opened_on", _facilities,
    ),
    "transport.routes": (
        "route_id,route_short_name,route_long_name,route_desc,route_type,route_url,route_color,"
        "route_text_color", _routes,
    ),
}  # fmt: skip


def _found(name: str, *places: str) -> Any:
    """A name of the version that is measured: modules have moved between versions."""
    for place in places:
        with suppress(ImportError, AttributeError):
            return getattr(import_module(f"civiclake.{place}"), name)
    raise SystemExit(f"this version has no {name} in any of {', '.join(places)}")


def _settings(root: Path) -> Any:
    from civiclake.local.ports import free_ports
    from civiclake.settings import load_settings

    base = load_settings()
    connect, sql = free_ports(2)
    engine = base.engine.model_copy(
        update={"connect_port": connect, "sql_port": sql, "master": "local[2]"}
    )
    return base.model_copy(update={"state_dir": root, "engine": engine})


class Lake:
    """Eight datasets: each of four contracts twice."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        root = import_module("civiclake.settings").project_root()
        load_city = _found("load_city", "contracts.load")
        city = load_city(root / "schemas", root / "expectations")
        self.datasets = [self._dataset(city, name, n) for name in KINDS for n in ("", "_too")]
        self.night = 0
        self._load = _found("load", "pipeline.night.load", "pipeline.load")
        self._extract = _found("extract", "io.extract")

    def _dataset(self, city: Any, name: str, more: str) -> Any:
        """A contract whose files come from a folder; whole tables are files of changes here."""
        from civiclake.contracts.model import Load, Source, SourceKind

        given = city.dataset(name)
        where = f"{self._drops(name + more)}/*.csv"
        source = Source(kind=SourceKind.FILES, location=where)
        limits = given.limits.model_copy(update={"max_set_aside_fraction": 0.5})
        return given.model_copy(
            update={
                "id": given.id + more, "name": given.name + more, "source": source,
                "limits": limits, "load": Load.FILES,
            }
        )  # fmt: skip

    def _drops(self, name: str) -> Path:
        folder = self.settings.state_dir / "drops" / name
        folder.mkdir(parents=True, exist_ok=True)
        return Path(folder)

    def extract(self) -> None:
        """Land the next night of all: first all rows, then a tenth of them, changed."""
        self.night += 1
        rows = range(ROWS) if self.night == 1 else range(ROWS - CHANGED, ROWS)
        for dataset in self.datasets:
            head, row = KINDS[dataset.id.removesuffix("_too")]
            lines = [head, *(row(number, self.night) for number in rows)]
            path = self._drops(dataset.id) / f"{self.night:03}.csv"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            moment = 1_450_000_000 + 86_400 * self.night
            os.utime(path, (moment, moment))
            self._extract(self.settings, dataset, f"n{self.night:03}")

    def load(self) -> None:
        """Load that night."""
        for dataset in self.datasets:
            result = self._load(self.settings, dataset, f"n{self.night:03}")
            if result.quarantined != BROKEN:
                raise SystemExit(f"{dataset.id}: {result.quarantined} rows were set aside")

    def fingerprint(self, spark: Any) -> str:
        """Of what is served and set aside, but for when it was judged."""
        made = hashlib.sha256()
        for dataset in self.datasets:
            for layer in ("unified", "quarantine"):
                path = f"{self.settings.lake}/{layer}/{dataset.table}"
                frame = spark.table(f"delta.`{path}`").drop(*_OF_ITS_OWN)
                text = frame.selectExpr("to_json(struct(*)) AS row").orderBy("row").collect()
                for row in text:
                    made.update(row["row"].encode())
        return made.hexdigest()[:16]


def _cpu(pid: int) -> float:
    """User and system seconds of a process and of those of its children that have ended."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, told[11:15])) / _TICKS


class Steps:
    """CPU seconds of engine and client by step: those beside each other are counted in each."""

    def __init__(self, pids: tuple[int, ...]) -> None:
        self.pids = pids
        self.seconds: dict[str, float] = defaultdict(float)

    def watch(self, recorder: type) -> None:
        """Wrap the recorder's timing of a step."""
        former = recorder.step  # type: ignore[attr-defined]
        steps = self

        @contextmanager
        def step(self: Any, name: str) -> Iterator[None]:
            before = steps.so_far()
            with former(self, name):
                yield
            steps.seconds[name] += steps.so_far() - before

        recorder.step = step  # type: ignore[attr-defined]

    def so_far(self) -> float:
        """Of all processes together."""
        return sum(map(_cpu, self.pids))


def main() -> None:
    """Answer each line with a night."""
    from civiclake import engine
    from civiclake.engine.session import connect, suit

    root = Path(tempfile.mkdtemp(prefix="civiclake-small-"))
    root.chmod(0o755)
    settings = _settings(root)
    try:
        engine.up(settings)
        jobs = next(s.pid for s in engine.status(settings) if s.name == "jobs")
        steps = Steps((jobs, os.getpid()))
        steps.watch(_found("Recorder", "io.ops.ledger", "io.ledger"))
        lake = Lake(settings)
        looking = connect(settings)
        suit(looking, 0)
        for _ in sys.stdin:
            lake.extract()
            steps.seconds.clear()
            before, began = [_cpu(jobs), _cpu(os.getpid())], time.monotonic()
            lake.load()
            wall = time.monotonic() - began
            after = [_cpu(jobs), _cpu(os.getpid())]
            loads = len(lake.datasets)
            told = {
                "engine": round((after[0] - before[0]) / loads, 3),
                "client": round((after[1] - before[1]) / loads, 3),
                "wall": round(wall / loads, 3),
                "steps": {n: round(s / loads, 3) for n, s in steps.seconds.items()},
                "content": lake.fingerprint(looking),
            }
            print(json.dumps(told), flush=True)
    finally:
        engine.down(settings)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
