"""The trial of portals' files: what counts as a right answer."""

from __future__ import annotations

import pytest

from bench.portals.reference import Compared
from bench.portals.trial import Outcome


@pytest.mark.parametrize(
    ("found", "is_whole"),
    [
        (Outcome("a.csv", refused="no file of records"), True),
        (Outcome("a.csv", refused="extract: a header but no rows", has_contract=True), False),
        (Outcome("a.csv"), False),
    ],
)
def test_only_a_refusal_before_there_is_a_contract_is_a_right_answer(
    found: Outcome, is_whole: bool
) -> None:
    assert found.is_whole is is_whole


def test_what_is_served_or_set_aside_is_whole() -> None:
    beside = Compared(rows=3, served=2, missing=1, extra=0, columns=2)
    assert Outcome("a.csv", compared=beside, account={"quarantined": 1}).is_whole
    assert not Outcome("a.csv", compared=beside).is_whole
