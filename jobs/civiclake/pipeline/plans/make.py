"""``civiclake plan``: the city's figures are read, the question answered, and the plan kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from civiclake.contracts.model import Manifest
from civiclake.engine import pulse
from civiclake.engine.session import connect
from civiclake.errors import LockHeld
from civiclake.pipeline.plans import kept
from civiclake.pipeline.plans.answer import Answer, answer
from civiclake.pipeline.plans.asked import Asked
from civiclake.pipeline.plans.lake import read_town
from civiclake.pipeline.plans.town import Town
from civiclake.pipeline.writing import writing
from civiclake.settings import Settings

log = logging.getLogger(__name__)
_WAIT_S = 60
"""Another plan is appended in some seconds."""


@dataclass(frozen=True)
class Made:
    """A plan and what it was made of."""

    plan_id: str
    town: Town
    answer: Answer


def make(settings: Settings, city: Manifest, asked: Asked) -> Made:
    """Plan, with the lake as it stands now; nothing is written.

    Raises:
        UserError: what is asked cannot be had, or the lake lacks what it takes.
        EngineError: the jobs engine does not answer.
    """
    spark = connect(settings)
    try:
        town = read_town(spark, settings, city, asked.kind)
    finally:
        pulse.close(spark)
    log.info("%s: %d places, %d that stand", asked.kind.name, len(town.places), len(town.standing))
    return Made(kept.name_of(asked.kind.name), town, answer(town, asked))


def keep(settings: Settings, made: Made, say: Callable[[str], None]) -> None:
    """Append a plan to ``marts.plans``.

    Raises:
        LockHeld: others have appended for a minute.
        EngineError: the jobs engine does not answer.
    """
    tries = Retrying(
        retry=retry_if_exception_type(LockHeld),
        stop=stop_after_delay(_WAIT_S),
        wait=wait_random(0.5, 2),
        before_sleep=lambda _: say("another plan is being kept: waiting for it"),
        reraise=True,
    )
    tries(_keep, settings, made)


def _keep(settings: Settings, made: Made) -> None:
    with writing(settings, kept.LOCK, made.plan_id) as (spark, lock):
        kept.keep(spark, settings, lock, (made.plan_id, made.town, made.answer))
