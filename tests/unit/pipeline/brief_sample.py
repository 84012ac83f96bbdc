"""A small brief, as the lake might give it: to draw pages of without an engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from civiclake.contracts.page import Chart
from civiclake.pipeline.brief.sheet import (
    Alarm,
    Brief,
    Delivery,
    Department,
    Head,
    Input,
    Part,
    Sheet,
    Source,
    Table,
    Value,
)

NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)
EVIL = '<b onmouseover="x()">\'&"</b>'
AREAS = {
    # The second runs clockwise and has a hole; the third has no value.
    "D1": "POLYGON ((102 25, 102.5 25, 102.5 25.4, 102 25.4, 102 25))",
    "D2": "POLYGON ((102.5 25, 102.5 25.4, 103 25.4, 103 25, 102.5 25),"
    " (102.6 25.1, 102.7 25.1, 102.7 25.2, 102.6 25.2, 102.6 25.1))",
    "D3": "POLYGON ((102 25.4, 102.5 25.4, 102.5 25.8, 102 25.8, 102 25.4))",
}
NAMES = {"D1": "Wuhua", "D2": "五华区", "D3": EVIL}


def table(columns: str, *rows: tuple[Value, ...]) -> Table:
    """A table whose columns are numbers where its first row holds one."""
    first = rows[0] if rows else ()
    heads = [
        Head(name, f"The {name}.", bool(first) and isinstance(first[n], int | float))
        for n, name in enumerate(columns.split())
    ]
    return Table(tuple(heads), rows)


def days() -> Table:
    begin = date(2026, 2, 20)
    rows: list[tuple[Value, ...]] = [
        (f"{begin + timedelta(n)}", line, None if n == 7 else 0.5 + 0.02 * n + 0.1 * (line == "K2"))
        for n in range(14)
        for line in ("K1", "K2")
        if n != 10
    ]
    return table("day line on_time_share", *rows)


LINES = Chart(kind="lines", by="day", value="on_time_share", series="line", says="Calls on time")
BARS = Chart(kind="bars", by="line", value="delay_mean_s", says="Mean delay in seconds")
MAP = Chart(kind="map", by="district_code", value="seats_per_child", says="Seats a child")
CELLS = Chart(kind="map", by="cell", value="people", says="People by cell")


def parts() -> tuple[Part, ...]:
    late = table("line delay_mean_s", ("K1", 30.5), (EVIL, 12.25), ("K3", None), ("K4", -8))
    seats = table("district_code seats_per_child", ("D1", 0.8), ("D2", 1.2), ("D9", 1.0))
    cells = table("cell people", ("8741a6b6cffffff", 40), ("8741a6b6effffff", 12))
    query = "SELECT * FROM marts.x VERSION AS OF 3"
    return (
        Part("On time", days(), query, 5, LINES),
        Part("Late", late, query, 20, BARS),
        Part("Seats", Table(seats.heads, seats.rows, 2, 5), query, 20, MAP),
        Part("People", cells, query, 20, CELLS),
        Part("Nothing", table("day line"), query, 20),
    )


def brief() -> Brief:
    inputs = (Input("transport.trips", 7, NOW - timedelta(hours=5), 12), Input("x.y", 1, None, 0))
    source = Source(
        mart="marts.transit_lines", description=EVIL, limitations="Runs by frequency have none.",
        version=3, published_at=NOW - timedelta(hours=2), batch_id="20260310T020000Z",
        method="civiclake.applications.transit.lines.build with late_seconds = 300",
        owner="Transport", contact="t@city.example", inputs=inputs,
    )  # fmt: skip
    sheet = Sheet(
        application="transit", title="Public transport", purpose=f"How buses ran {EVIL}",
        changed=("On 2026-03-09, 81 % were on time. Published before: 79 %.",),
        stale=("marts.transit_trips was never made; ask Transport",),
        alarms=(Alarm("a1b2", "line_id=K1", EVIL, "2026-03-08", "open", "Transport", 16),),
        parts=parts(), sources=(source,), dags=("mart_transit_lines", "mart_transit_trips"),
    )  # fmt: skip
    visits = Delivery(
        id="health.visits", description=EVIL, owner="Records", contact="r@city.example",
        state="merged", at=NOW - timedelta(hours=4), is_late=False, promise="24 hours", read=1200,
        served=1190, set_aside=10, reasons=(("code:sex", "sex is a code", 10),),
        readers=("marts.visits_by_weather",),
    )  # fmt: skip
    never = Delivery(
        id="health.beds", description="", owner="Records", contact="r@city.example",
        state="never delivered", at=None, is_late=True, promise="24 hours",
    )  # fmt: skip
    return Brief(NOW, (sheet,), (Department("health", (visits, never)),), AREAS, NAMES)
