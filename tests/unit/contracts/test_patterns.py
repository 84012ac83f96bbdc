"""Patterns are what Java and Python read alike, and the whole value means the whole value."""

from __future__ import annotations

import re

import pytest

from civiclake.contracts.read.patterns import fault, whole, with_true_end


@pytest.mark.parametrize("text", ["A12\n", "A12\r\n", "A12\u2028", "xA12", "A12x", "A12\nA12"])
def test_the_whole_value_is_the_whole_value(text: str) -> None:
    for regex in (whole("A[0-9]{2}"), whole("A[0-9]{2}$"), with_true_end("^A[0-9]{2}$")):
        assert re.search(regex, text) is None
        assert re.search(regex, "A12")


def test_a_choice_ends_truly_on_both_sides() -> None:
    assert not re.search(with_true_end("^a$|^b$"), "a\n")
    assert re.search(with_true_end("^a$|^b$"), "b")


@pytest.mark.parametrize("regex", [r"[$]x\$", "(?m)^a$", "a"])
def test_what_is_no_end_of_the_value_stays(regex: str) -> None:
    assert with_true_end(regex) == regex


@pytest.mark.parametrize(
    "pattern", [r"a{2}b{2,}c{2,3}", r"[\[&]", "[]a]", "[^]a]", r"\{", "(?:a|b)(?=c)(?i:d)", r"\d\."]
)
def test_what_both_read_alike_is_sound(pattern: str) -> None:
    assert fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "not a regular expression"),
        (r"\p{L}", "Python knows no"),
        ("a{,3}", "character 2: a brace"),
        ("{a}", "character 1: a brace"),
        ("[a[b]", "a bracket in brackets"),
        ("[a&&b]", "an intersection"),
        (r"a\Z", "line feed at the end"),
        ("(?P<n>a)", "named group"),
        ("(a)(?(1)b|c)", "no conditions"),
        ("(?#words)a", "no comments"),
    ],
)
def test_what_they_read_differently_is_told(pattern: str, said: str) -> None:
    assert said in str(fault(pattern))
