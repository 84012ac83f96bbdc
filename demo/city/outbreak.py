"""The outbreak among the notified cases: which disease, where, from which day on, how many."""

from __future__ import annotations

from typing import Any

from demo.city.journal import Journal
from demo.city.model import Model
from demo.city.table import OLDER, TWICE
from demo.city.tables import health

NAME = "health.notifiable_cases"


def outbreak(model: Model) -> dict[str, Any]:
    """What the first night's records show of it, those that are set aside taken out.

    It begins on the first day on which somebody fell ill of it, days before the first is reported.
    """
    series = model.series[NAME]
    assert isinstance(series, Journal)
    sound = (TWICE, OLDER)
    kept = (n for n in range(series.size) if series.special.get(n, TWICE) in sound)
    place = series.shape.place
    days = [series.clean(n)[place("onset_on")] for n in kept if health.is_outbreak(model.city, n)]
    return {
        "dataset": NAME,
        "disease_code": health.OUTBREAK_DISEASE,
        "district_code": health.OUTBREAK_DISTRICT,
        "starts_on": f"{min(days)}",
        "ends_on": f"{max(days)}",
        "cases": len(days),
        "quiet_diseases": list(health.DISEASES),
    }
