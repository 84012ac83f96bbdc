"""The engine's own functions of texts say what regular expressions say, which are too dear."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from civiclake.contracts.notation import BLANKS, strip
from civiclake.steps import texts

EXACT = r"^[+-]?\d*(?:\.\d{0,2}0*)?$"
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
MOMENT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{1,2}(?:\.\d*)?)?(?: ?(?:Z|[+-][\d:]+))?$"
NEARLY_BLANK = "\x08\x0e\x1f\x7f\x84\x86\x9f\xa1\u167f\u1681\u1fff\u200c\u2027\u202a\u2060\ufefe"
SIGNS = {
    "blanks": BLANKS + NEARLY_BLANK + "ab市\U0001f333é",
    "numbers": "0012.+-eE9 x\uff11\u0661",
    "moments": "01:.+-Z T",
}
SPELLED = ["2016-01-01T12:00", "2016-01-01 12:00:5", "2016-13-41T99:99:59.123", "2016-1-01T12:00"]


def _made(kind: str, count: int) -> list[str]:
    drawn = random.Random(5)
    signs = SIGNS[kind]
    head = SPELLED if kind == "moments" else [""]
    return [
        drawn.choice(head) + "".join(drawn.choices(signs, k=drawn.randrange(7)))
        for _ in range(count)
    ]


def _answers(spark: SparkSession, given: list[str], *asked: Column) -> list[tuple[object, ...]]:
    rows = spark.createDataFrame([(n, text) for n, text in enumerate(given)], "n int, t string")
    return [tuple(row)[1:] for row in rows.select("n", *asked).orderBy("n").collect()]


def test_blanks_are_taken_from_both_ends(spark: SparkSession) -> None:
    given = [*_made("blanks", 4_000), *BLANKS, *NEARLY_BLANK, "", "市", "市 区", "é"]
    found = _answers(spark, given, F.call_function(texts.PLAIN, F.col("t")))
    assert [text for (text,) in found] == [strip(text) or None for text in given]


@pytest.mark.parametrize("compiled", ["true", "false"])
def test_forms_are_those_of_regular_expressions(spark: SparkSession, compiled: str) -> None:
    t = F.col("t")
    asked = (
        (texts.is_exact(t, 2), EXACT), (texts.is_number(t), NUMBER), (texts.is_moment(t), MOMENT)
    )  # fmt: skip
    given = [*_made("numbers", 4_000), *_made("moments", 4_000), "", "12.3400", "-.5e+10"]
    spark.conf.set("spark.sql.codegen.wholeStage", compiled)
    try:
        columns = [column for ours, pattern in asked for column in (ours, t.rlike(pattern))]
        found = _answers(spark, given, *columns)
    finally:
        spark.conf.unset("spark.sql.codegen.wholeStage")
    for place in range(0, 2 * len(asked), 2):
        ours, wanted = ([row[place + n] for row in found] for n in (0, 1))
        assert [text for text, a, b in zip(given, ours, wanted, strict=True) if a != b] == []
        assert {True, False} == set(wanted)


def test_no_text_is_of_no_form(spark: SparkSession) -> None:
    t = F.lit(None).cast("string")
    asked = (texts.is_exact(t, 2), texts.is_number(t), texts.is_moment(t))
    (row,) = spark.range(1).select(F.call_function(texts.PLAIN, t), *asked).collect()
    assert tuple(row) == (None, False, False, False)
