"""``alerts`` refuses what makes no sense before it asks the lake."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from civiclake.cli import app
from civiclake.errors import UserError


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["list", "--state", "shut"], "--state 'shut': allowed are open, acknowledged, closed"),
        (
            ["close", "a1", "--reason", "x", "--confirmed", "--refuted"],
            "--confirmed and --refuted exclude each other; say one, or neither",
        ),
    ],
)
def test_it_says_what_is_allowed(said: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        CliRunner().invoke(app, ["alerts", *said], catch_exceptions=False)


def test_an_alert_is_not_closed_without_a_reason() -> None:
    done = CliRunner().invoke(app, ["alerts", "close", "a1"])
    assert done.exit_code == 2
    assert "--reason" in done.output
