"""Rules of feed quality: what each is of, how grave it is, and how it is told.

Ids and severities are those of MobilityData's gtfs-realtime-validator (E..., W...) and
gtfs-validator (words), where they have the rule; ``civiclake_`` marks ours.
"""

from __future__ import annotations

TIMETABLE, POSITIONS = "timetable", "positions"
ERROR, WARNING, INFO = "error", "warning", "info"


def _rule(feed: str, severity: str, sentence: str) -> dict[str, str]:
    return {"feed": feed, "severity": severity, "sentence": sentence}


RULES = {
    "civiclake_position_too_old": _rule(
        POSITIONS,
        WARNING,
        "{found} of {checked} positions were older than allowed when they were published; example:"
        " {example}.",
    ),
    "E050": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions are more than a minute later than their snapshot and are"
        " not used; example: {example}.",
    ),
    "W004": _rule(
        POSITIONS,
        WARNING,
        "{found} of {checked} positions tell a speed that no bus has; example: {example}.",
    ),
    "W006": _rule(
        POSITIONS,
        WARNING,
        "{found} of {checked} positions name no trip; place and time must tell it; example:"
        " {example}.",
    ),
    "E003": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions name a trip that the timetable has not and that is not"
        " said to be added; example: {example}.",
    ),
    "E004": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions name a line that the timetable has not; example:"
        " {example}.",
    ),
    "E028": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions lie outside of the area of all stops; example: {example}.",
    ),
    "civiclake_position_without_service": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions are of a day on which the timetable offers nothing (a wrong"
        " clock?) and are not used; example: {example}.",
    ),
    "E029": _rule(
        POSITIONS,
        ERROR,
        "{found} of {checked} positions are far from their trip's line and are not used; example:"
        " {example}.",
    ),
    "feed_expiration_date7_days": _rule(
        TIMETABLE,
        WARNING,
        "The timetable ends within 7 days ({found} = yes); its last day: {example}.",
    ),
    "feed_expiration_date30_days": _rule(
        TIMETABLE,
        WARNING,
        "The timetable ends within 30 days ({found} = yes); its last day: {example}.",
    ),
    "unusable_trip": _rule(
        TIMETABLE,
        WARNING,
        "{found} of {checked} trips have fewer than two stops and can't be followed; example:"
        " {example}.",
    ),
    "stop_too_far_from_shape": _rule(
        TIMETABLE,
        WARNING,
        "{found} of {checked} stops of lines are far from their line on the map; example:"
        " {example}.",
    ),
    "overlapping_frequency": _rule(
        TIMETABLE,
        ERROR,
        "{found} of {checked} windows of frequencies overlap another of their trip, end before"
        " they start or have no headway; example: {example}.",
    ),
    "civiclake_frequencies_and_trips_mixed": _rule(
        TIMETABLE,
        WARNING,
        "{found} of {checked} lines run by frequency and by trips of their own on one service:"
        " passengers may be offered both; example: {example}.",
    ),
    "civiclake_overlapping_timetables": _rule(
        TIMETABLE,
        WARNING,
        "{found} of {checked} trips of the day are there twice (line, direction, stop and minute"
        " of departure): two timetables overlap; example: {example}.",
    ),
    "civiclake_ids_changed": _rule(
        TIMETABLE,
        WARNING,
        "{found} of {checked} stops of the 30 days before are not in the timetable any more;"
        " example: {example}.",
    ),
    "civiclake_day_without_positions": _rule(
        TIMETABLE,
        ERROR,
        "{found} of {checked} days with service since the first position had none at all; example:"
        " {example}.",
    ),
}
