"""What classes and moved teachers would do: the worst off first, and what is left out is said."""

from __future__ import annotations

import pandas as pd
import pytest

from civiclake.applications.education.improve import Asked, Change, improve
from civiclake.errors import UserError

NAMES = {"530102": "五华区", "530113": "东川区", "530128": "禄劝县"}


def _row(
    code: str, kind: str, children: int, seats: float | None, teachers: float
) -> dict[str, object]:
    return {
        "district_code": code,
        "district_name": NAMES[code],
        "kind": kind,
        "children": children,
        "seats": seats,
        "classes": None if seats is None else seats / 40,
        "teachers_fte": teachers,
        "seats_per_child_floor": 0.9,
        "teachers_per_child_floor": 0.065,
    }


ROWS = pd.DataFrame(
    [
        _row("530128", "primary", 200, 120, 8.0),
        _row("530102", "primary", 400, 480, 40.5),
        _row("530113", "primary", 200, 80, 5.0),
        _row("530113", "junior", 100, 40, 3.0),
        _row("530102", "junior", 0, 40, 1.0),
    ]
)


def _by_place(change: Change, column: str) -> dict[tuple[str, str], float]:
    rows = change.places
    return dict(
        zip(zip(rows["district_code"], rows["kind"], strict=True), rows[column], strict=True)
    )


def test_classes_go_where_the_shortfall_is_worst() -> None:
    (change,) = improve(ROWS, Asked(classes=3, teachers=0))
    given = _by_place(change, "given")
    assert given == {
        ("530102", "junior"): 0,
        ("530102", "primary"): 0,
        ("530113", "junior"): 1,
        ("530113", "primary"): 2,
        ("530128", "primary"): 0,
    }
    assert _by_place(change, "per_child_after")["530113", "primary"] == 160 / 200
    assert change.before.share_below == pytest.approx(500 / 900)
    assert change.after.share_below == pytest.approx(500 / 900)
    assert (change.after.severity or 0) < (change.before.severity or 0) / 2
    assert (change.gini_after or 0) < (change.gini_before or 0)
    assert change.told == ("seats of a new class: junior 40, primary 40",)
    assert change.places["per_child_before"].isna().sum() == 1


def test_teachers_move_within_their_kind_and_never_below_the_floor() -> None:
    (change,) = improve(ROWS, Asked(classes=0, teachers=20))
    assert _by_place(change, "taken") == {
        ("530102", "junior"): 1,
        ("530102", "primary"): 13,
        ("530113", "junior"): 0,
        ("530113", "primary"): 0,
        ("530128", "primary"): 0,
    }
    assert _by_place(change, "given")["530113", "primary"] == 8
    assert _by_place(change, "given")["530113", "junior"] == 1
    assert change.places["after"].sum() == ROWS["teachers_fte"].sum()
    assert change.told == (
        "14 of 20 units are used: nobody else is below the floor, or nobody of the same kind has"
        " more to spare",
    )


def test_the_same_question_has_the_same_answer_whatever_the_order() -> None:
    asked = Asked(classes=5, teachers=5, class_size=30)
    first, again = improve(ROWS, asked), improve(ROWS.iloc[::-1], asked)
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one.places, other.places)


def test_what_takes_no_part_is_said() -> None:
    rows = pd.DataFrame([*ROWS.to_dict("records"), _row("530128", "junior", 50, None, 1.0)])
    rows.loc[rows["kind"] == "primary", "seats_per_child_floor"] = None
    (change,) = improve(rows, Asked(classes=1, teachers=0))
    assert change.told[1:] == (
        "left out are 1 places: their seats are not known (530128 junior)",
        "left out are 3 places: the city has no floor for them (530102 primary, 530113 primary,"
        " 530128 primary)",
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(0, 0), "at least one of one of them"),
        (Asked(-1, 2), "-1 classes"),
        (Asked(1, 0, within=["五华"]), "district '五华': allowed are 530102, 530113"),
        (Asked(1, 0, kinds=["university"]), "kind 'university': allowed are junior, primary"),
        (Asked(1, 0, class_size=0), "class size 0: 1 or more"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked: Asked, words: str) -> None:
    with pytest.raises(UserError, match=words):
        improve(ROWS, asked)


def test_where_nobody_can_take_part_is_said() -> None:
    with pytest.raises(UserError, match="no place can take part: left out are 5 places: the city"):
        improve(ROWS.assign(seats_per_child_floor=None), Asked(1, 0))
    with pytest.raises(UserError, match="no place can take part: there is none"):
        improve(ROWS.iloc[:0], Asked(1, 0))
