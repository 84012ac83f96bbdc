"""What Spark says of an error, without the JVM's stack behind it."""

from __future__ import annotations

_STACK = "JVM stacktrace"


def words(error: BaseException) -> str:
    """All that it says; the error's type where it says nothing."""
    return str(error).split(_STACK, 1)[0].strip() or type(error).__name__


def first_line(error: BaseException) -> str:
    """The first line of it, as a sentence about a failure has it."""
    return words(error).splitlines()[0]
