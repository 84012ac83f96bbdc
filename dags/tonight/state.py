"""How a dataset stands: one word for it, and how bad it is."""

from __future__ import annotations

from enum import Enum

from tonight.rows import Batch

STALE_AFTER_LATENCIES = 2
"""A dataset is late when its age passes what its contract promises, stale at twice that."""

_FAILED_TASK = ("failed", "upstream_failed")
_AT_WORK = {
    "running": "running now",
    "queued": "about to run",
    "scheduled": "about to run",
    "deferred": "running now",
    "restarting": "running now",
    "up_for_retry": "will be tried again",
    "up_for_reschedule": "will be tried again",
}


class State(Enum):
    """The worst first; each has a word, a sign beside its colour, and a meaning."""

    FAILED = ("failed", "✕", "the last batch ended with an error; nothing of it is served")
    HELD = (
        "held",
        "‖",
        "the last batch came but is not to be believed; the last good one is served",
    )
    NEVER = ("never delivered", "○", "no batch was ever merged")
    STALE = ("stale", "◆", "nothing came for more than twice as long as the contract allows")
    LATE = (
        "late",
        "◇",
        "the newest delivery is older than the contract allows, or the next did not come in time",
    )
    SET_ASIDE = ("rows set aside", "△", "delivered; some rows were set aside with their reasons")
    GOOD = ("delivered", "✓", "delivered in time, and every row of it is served")

    def __init__(self, word: str, sign: str, meaning: str) -> None:
        self.word = word
        self.sign = sign
        self.meaning = meaning

    @property
    def style(self) -> str:
        """Name for the style sheet."""
        return self.name.lower().replace("_", "-")

    @property
    def is_missing(self) -> bool:
        """Whether what is made from it waits for it."""
        return self not in (State.SET_ASIDE, State.GOOD)

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(State).index(self)


class Age(Enum):
    """The newest good delivery against the contract's promise."""

    IN_TIME = "in time"
    LATE = "late"
    STALE = "stale"
    NEVER = "never"


def judge_age(age_seconds: float | None, latency_seconds: int) -> Age:
    """Compare an age with the promise; None when nothing was ever merged."""
    if age_seconds is None:
        return Age.NEVER
    if age_seconds > STALE_AFTER_LATENCIES * latency_seconds:
        return Age.STALE
    return Age.LATE if age_seconds > latency_seconds else Age.IN_TIME


def judge(newest: Batch | None, age: Age, task: str | None, due: str = "") -> State:
    """The word for a dataset.

    Args:
        newest: its newest delivery in the ledger.
        age: of what is served.
        task: state of its task in a run that the ledger does not hold.
        due: what became of the newest delivery that was due, where somebody writes it down.
    """
    if task in _FAILED_TASK or (newest and newest.status == "failed"):
        return State.FAILED
    if newest and newest.status == "held":
        return State.HELD
    if newest is None or age is Age.NEVER:
        return State.NEVER
    if age is Age.STALE:
        return State.STALE
    if age is Age.LATE or due == "absent":
        return State.LATE
    return State.SET_ASIDE if newest.quarantined else State.GOOD


def at_work(task: str | None, *, begun: bool) -> str:
    """What a task does now, in words; nothing when it has ended or its run has not begun."""
    if task is None:
        return "waits for its turn" if begun else ""
    return _AT_WORK.get(task, "")


def task_failed(task: str | None) -> str:
    """Why a run without an account failed, in words; nothing when it did not."""
    if task == "upstream_failed":
        return "It was not started, because a dataset that it waits for failed."
    return "It failed before it could write an account: see its log." if task == "failed" else ""
