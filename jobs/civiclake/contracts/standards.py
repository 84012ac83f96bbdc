"""What the city's standards ask of a column, compiled: its codes, and its check."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from civiclake.contracts.frozen import Frozen


class Codes(Frozen):
    """The code list of a column, and how the source's own codes map onto it."""

    list_id: str
    """Name of the file under ``schemas/_codes/``, without ending."""
    values: dict[str, str] = Field(default_factory=dict)
    """Code to label; empty when the list stands in a table."""
    mapping: dict[str, str] = Field(default_factory=dict)
    """Source code to city code; a code that is in neither is unknown."""
    replaced: dict[str, str] = Field(default_factory=dict)
    """Withdrawn code to today's; empty when the list stands in a table."""
    table: str | None = None
    """CSV file under ``schemas/_codes/`` of a list too long to travel with every contract."""
    fingerprint: str = ""
    """Which version of the table the contract was compiled with."""
    revision: str = ""
    carries: bool = False
    """Whether the list has withdrawn codes that are carried to today's."""
    as_of: str | None = None
    """Column with the day of the record: it tells what a code that was given anew meant."""


class CheckKind(StrEnum):
    """What is known of a column's values beyond their type."""

    CITIZEN_ID = "citizen_id"
    """Resident identity number, GB 11643."""
    CREDIT_CODE = "credit_code"
    """Unified social credit code, GB 32100."""
    COORDINATES = "coordinates"
    """Latitude of a position; stands at the latitude and looks at the longitude too."""


class Reason(StrEnum):
    """Why a check refuses a value."""

    FORM = "form"
    """Wrong length or characters."""
    CHECK_DIGIT = "check_digit"
    """The check character does not follow from the rest."""
    BIRTH_DATE = "birth_date"
    """No day of the calendar from 1900 to today."""
    REGION = "region"
    """A division that GB/T 2260 does not hold for that time; the number itself is sound."""
    ORIGIN = "origin"
    """Latitude and longitude both zero: what a missing position becomes."""
    OFF_GLOBE = "off_globe"
    """A latitude beyond 90 degrees, or a longitude beyond 180."""
    SWAPPED = "swapped"
    """Latitude and longitude stand in each other's place."""
    OUTSIDE = "outside"
    """Not in the area where the records of this table lie."""


class Area(Frozen):
    """A box of degrees, WGS 84."""

    south: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=180)
    north: float = Field(ge=-90, le=90)
    east: float = Field(ge=-180, le=180)


class Check(Frozen):
    """A column's check."""

    kind: CheckKind
    longitude: str | None = None
    """For coordinates: the column of the longitude."""
    within: Area | None = None
    """For coordinates: where records are expected."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it may refuse a value."""
        if self.kind is CheckKind.CITIZEN_ID:
            return (Reason.FORM, Reason.CHECK_DIGIT, Reason.BIRTH_DATE, Reason.REGION)
        if self.kind is CheckKind.CREDIT_CODE:
            return (Reason.FORM, Reason.CHECK_DIGIT, Reason.REGION)
        outside = (Reason.OUTSIDE,) if self.within else ()
        return (Reason.ORIGIN, Reason.SWAPPED, Reason.OFF_GLOBE, *outside)
