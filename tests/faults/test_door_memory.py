"""A query that wants more memory than the door has: it fails, and everybody else goes on."""

from __future__ import annotations

import json
import time

from night_of_six import asking, connect

from civiclake.engine import sql_server
from civiclake.settings import Settings

GREEDY = "SELECT size(collect_list(concat(id, repeat('x', 1000)))) FROM range(0, 4000000, 1, 1)"
"""One list of 4 GB, where the door has 1 GB."""
ENDS_S, RESTART_S = 300, 30.0


def test_a_query_beyond_the_memory_fails_and_others_are_answered(settings: Settings) -> None:
    service = sql_server.service(settings)
    before = service.running()
    assert before is not None
    begun = time.monotonic()
    with asking(settings) as waits:
        said = _refused(settings)
        seconds = time.monotonic() - begun
        time.sleep(2)
    after = service.running()
    assert after is not None
    is_same = after.pid == before.pid
    print(f"ended after {seconds:.0f} s, {'alone' if is_same else 'with the door'}: {said[:200]}")
    print(f"slowest SELECT 1 {max(waits):.1f} s")
    assert seconds < ENDS_S
    assert max(waits) < RESTART_S
    if is_same:
        assert "memory" in said
    else:
        lines = (settings.run_dir / "alerts.jsonl").read_text().splitlines()
        assert "it ran out of memory" in json.loads(lines[-1])["alert"]


def _refused(settings: Settings) -> str:
    cursor = connect(settings, "ana").cursor()
    try:
        cursor.execute(GREEDY)
        found = cursor.fetchall()
    except Exception as error:  # noqa: BLE001 - its sentence, or a connection that broke
        return str(error)
    raise AssertionError(f"went through: {found}")
