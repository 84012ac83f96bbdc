from __future__ import annotations

import pytest

from civiclake.errors import AccountError
from civiclake.io.ops.account import Account


def test_what_adds_up_passes() -> None:
    Account(
        read=21, inserted=1, updated=2, unchanged=3, superseded=4, late=5, quarantined=6, deleted=99
    ).check("x")


@pytest.mark.parametrize(
    "name", ["inserted", "updated", "unchanged", "superseded", "late", "quarantined"]
)
def test_one_row_more_or_less_fails_with_the_sum(name: str) -> None:
    for rows in (0, 2):
        account = Account.model_validate({"read": 1, name: rows})
        assert not account.balances
        with pytest.raises(AccountError, match=rf"x: read 1 rows, but .*{rows} {name}.* = {rows}"):
            account.check("x")
