"""Whose engine an error is put down to."""

from __future__ import annotations

import weakref
from typing import Any

import pytest

from civiclake.engine import pulse


class Session:
    """Stands for one; nothing asks it anything."""


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Two sessions of one process; the engine of the first is gone."""
    gone, well = Session(), Session()
    pulses: weakref.WeakKeyDictionary[Any, pulse.Pulse] = weakref.WeakKeyDictionary()
    for one in (gone, well):
        pulses[one] = pulse.Pulse(one, "127.0.0.1", 1)
    pulses[gone].lost = "the jobs engine is not there"
    monkeypatch.setattr(pulse, "_pulses", pulses)
    return gone, well


def test_an_error_is_not_put_down_to_another_sessions_engine(sessions: tuple[Any, Any]) -> None:
    gone, well = sessions
    assert "is not there" in str(pulse.lost(OSError("x"), gone))
    assert pulse.lost(OSError("x"), well) is None
    assert pulse.lost(OSError("x"), Session()) is None  # type: ignore[arg-type]
    assert "is not there" in str(pulse.lost(OSError("x")))
