"""The errors of CivicLake, in one small tree.

Three families tell the caller what can be done: the user must mend something
(:class:`UserError`), the same call may succeed later (:class:`RetryableError`), or the
work of this batch is refused and nothing was changed (:class:`BatchHeld`).
Every message is one sentence that names the place, the value and what would be allowed.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_FAILED = 1
EXIT_USER = 2
EXIT_HELD = 3
EXIT_RETRYABLE = 75  # EX_TEMPFAIL of sysexits.h: the scheduler may try again


class CivicLakeError(Exception):
    """Base of all errors that CivicLake raises on purpose."""

    exit_code = EXIT_FAILED


class UserError(CivicLakeError):
    """Something that a person must mend: a setting, a contract, an argument."""

    exit_code = EXIT_USER


class ContractError(UserError):
    """One or many faults in contracts, all listed at once.

    Args:
        problems: one sentence each, with file, place, value and what is allowed.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SourceError(CivicLakeError):
    """A source delivered something that can't be read (truncated, wrong encoding, missing)."""


class SourceUnavailable(SourceError):
    """A source did not answer; trying again later may help."""

    exit_code = EXIT_RETRYABLE


class BatchHeld(CivicLakeError):
    """The batch is kept in landing but not merged; the last good table stays served."""

    exit_code = EXIT_HELD


class AccountError(CivicLakeError):
    """The rows of a batch do not add up."""


class LockHeld(CivicLakeError):
    """Another writer holds the table."""

    exit_code = EXIT_RETRYABLE


class StateUnavailable(CivicLakeError):
    """What all hosts share (the state's database, landing's object store) does not answer."""

    exit_code = EXIT_RETRYABLE


class FencedError(CivicLakeError):
    """This writer lost its lock to a younger one and must not write any more."""


class SparkFailed(CivicLakeError):
    """Spark could not do what a step asked of it; what was committed before stands."""


class DiskFull(CivicLakeError):
    """There was no room to write; when room was made, the same call succeeds."""

    exit_code = EXIT_RETRYABLE


class EngineError(CivicLakeError):
    """A Spark engine is not up, or does not answer."""

    exit_code = EXIT_RETRYABLE
