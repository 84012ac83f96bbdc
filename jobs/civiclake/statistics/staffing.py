"""How many must be there so that who calls is answered in time: Erlang C.

Source: A. Erlang, "Solution of some problems in the theory of probabilities of significance in
automatic telephone exchanges", Elektroteknikeren 13 (1917), pp. 5-13, as R. Cooper, "Introduction
to Queueing Theory" (1981), section 3.4, has it: calls come by chance, wait as long as it takes, and
take an exponential time each. With fewer agents than traffic the queue grows without end and the
formula gives more than certainty: it is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from civiclake.errors import UserError

MOST_AGENTS = 100_000


@dataclass(frozen=True)
class Calls:
    """What is asked of a desk, or of those who are sent out."""

    per_hour: float
    handling_s: float
    """Mean time that one takes, until the next can be taken."""
    answer_within_s: float
    share_within: float
    """Of calls that should be answered in that time."""
    shrinkage: float = 0.0
    """Share of the paid time in which one is not there: breaks, leave, training."""

    def __post_init__(self) -> None:
        rules = {
            "per_hour": (self.per_hour, 0 <= self.per_hour < math.inf, "a number from 0 on"),
            "handling_s": (self.handling_s, 0 < self.handling_s < math.inf, "a number above 0"),
            "answer_within_s": (
                self.answer_within_s,
                0 <= self.answer_within_s < math.inf,
                "a number from 0 on",
            ),
            "share_within": (
                self.share_within,
                0 < self.share_within < 1,
                "a share above 0 and below 1",
            ),
            "shrinkage": (self.shrinkage, 0 <= self.shrinkage < 1, "a share below 1"),
        }
        for name, (value, is_sound, allowed) in rules.items():
            if not is_sound:
                raise UserError(f"{name}: {value}; {allowed} is allowed")

    @property
    def traffic(self) -> float:
        """Agents' worth of work that comes in, in erlangs."""
        return self.per_hour * self.handling_s / 3600


@dataclass(frozen=True)
class Staff:
    """So many, and what comes of it."""

    agents: int
    """Who must be there."""
    rostered: int
    """Who must be on the roster for it."""
    waits: float
    """Probability that a call has to wait."""
    share_within: float
    """Of calls that are answered in time."""
    occupancy: float
    """Share of the agents' time that calls take."""
    mean_wait_s: float


def probability_of_waiting(traffic: float, agents: int) -> float:
    """Erlang's C.

    Raises:
        UserError: traffic is below 0, or not below the number of agents.
    """
    if traffic < 0 or not math.isfinite(traffic):
        raise UserError(f"traffic: {traffic}; a number from 0 on is allowed")
    if agents < 1 or agents <= traffic:
        raise UserError(
            f"{agents} agents for a traffic of {traffic:g}: the queue would grow without end; more"
            f" than {max(traffic, 0):g} are allowed"
        )
    blocked = 1.0  # Erlang's B, agent by agent: no factorial of a large number is ever made
    for number in range(1, agents + 1):
        blocked = traffic * blocked / (number + traffic * blocked)
    return blocked / (1 - traffic / agents * (1 - blocked))


def with_agents(calls: Calls, agents: int) -> Staff:
    """What so many agents make of the calls.

    Raises:
        UserError: they are not more than the traffic.
    """
    traffic = calls.traffic
    waits = probability_of_waiting(traffic, agents)
    spare = (agents - traffic) / calls.handling_s
    return Staff(
        agents=agents,
        # A hair less: 14 / 0.7 is 20, and not the 21 that 20.000000000000004 would round up to.
        rostered=math.ceil(agents / (1 - calls.shrinkage) - 1e-9),
        waits=waits,
        share_within=1 - waits * math.exp(-spare * calls.answer_within_s),
        occupancy=traffic / agents,
        mean_wait_s=waits / spare,
    )


def needed(calls: Calls) -> Staff:
    """The fewest agents who answer the wanted share in time; at least one is always there.

    Raises:
        UserError: it would take more than the method tries.
    """
    agents = math.floor(calls.traffic) + 1
    if agents > MOST_AGENTS:
        raise UserError(f"traffic: {calls.traffic:g}; up to {MOST_AGENTS} is allowed")
    while (staff := with_agents(calls, agents)).share_within < calls.share_within:
        agents += 1
    return staff
