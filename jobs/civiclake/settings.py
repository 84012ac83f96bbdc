"""Settings: typed, layered, read when asked for and never at import.

Order, first wins: environment (``CIVICLAKE_ENGINE__CONNECT_PORT=15102``), then
``conf/<profile>.toml``, then ``conf/default.toml``. The profile is ``CIVICLAKE_PROFILE``
(``local`` by default). Secrets are no settings: see :mod:`civiclake.secrets`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from civiclake import settings_faults as faults
from civiclake.errors import UserError
from civiclake.settings_engine import EngineSettings
from civiclake.settings_stores import LandingSettings, Section, StateSettings, StoreSettings

_DEFAULT_PROFILE = "local"
_IN_S3 = re.compile(r"s3a://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9_.-]*)+/?")


def project_root() -> Path:
    """The checkout that this code runs from (``CIVICLAKE_ROOT`` overrides)."""
    found = os.environ.get("CIVICLAKE_ROOT")
    return Path(found) if found else Path(__file__).resolve().parents[2]


class AirflowSettings(Section):
    """The four Airflow services."""

    host: str = "127.0.0.1"
    port: int = 8080
    parallelism: int = 4


class AlertSettings(Section):
    """How owners are told; without a connection an alert is a line of ``run/alerts.jsonl``."""

    connection: str = ""
    """Id of an Airflow connection of type ``smtp`` or ``apprise``."""
    sender: str = ""
    """Mail address that alerts come from; without it, the connection's ``from_email``."""
    operators: str = ""
    """Mail address of the city's operators: for alerts that are no owner's."""


class PostgresSettings(Section):
    """The PostgreSQL that ``make up`` starts (Airflow's metadata; the demo's sources)."""

    port: int = 54320


class PseudonymSettings(Section):
    """Which key makes the pseudonyms of tonight."""

    key_id: str = "k1"


Survival = Literal["most_recent", "most_recent_verified", "most_frequent", "source_priority"]
"""Which of several records' values survives in the one row of a person or an organisation."""


class SubjectSettings(Section):
    """How one kind of thing is recognised, and what is served of it."""

    threshold: float = Field(default=0.95, ge=0.5, le=1)
    """Least probability at which two profiles are taken for one."""
    survivorship: dict[str, Survival] = Field(default_factory=dict)
    """By attribute; ``most_recent`` where nothing is said."""
    source_priority: tuple[str, ...] = ()
    """Datasets, the most trusted first, for attributes that go by ``source_priority``."""


class PlaceSettings(SubjectSettings):
    """How places are recognised."""

    cell_resolution: int = Field(default=9, ge=0, le=15)
    """H3 resolution of the grid; 9 has cells of a tenth of a square kilometre."""
    boundaries: Path | None = None
    """GeoJSON of the districts (property ``district_code``); without it, districts are those
    that the records declare."""


class LinkageSettings(Section):
    """Who is who across departments."""

    seed: int = 1
    max_pairs: float = Field(default=1e6, gt=0)
    """Pairs sampled to estimate the model."""
    min_profiles: int = Field(default=1000, ge=2)
    """Below this many the model keeps its starting values."""
    certain_recall: float = Field(default=0.8, gt=0, le=1)
    """Share of true pairs that the certain rules find, for the prior."""
    person: SubjectSettings = SubjectSettings()
    organisation: SubjectSettings = SubjectSettings()
    place: PlaceSettings = PlaceSettings()


class MartSettings(Section):
    """How marts are refreshed."""

    max_changed_groups: int = Field(default=1000, ge=0)
    """When more groups have changed, the mart is built whole."""


class MaintenanceSettings(Section):
    """When a table's files are worth tidying."""

    small_mb: int = Field(default=32, ge=1)
    """A file below this is small: only such files are written together."""
    target_mb: int = Field(default=128, ge=1)
    """How big the files become."""
    min_files: int = Field(default=8, ge=2)
    """How many small files of a partition are worth it."""
    purge_share: float = Field(default=0.3, gt=0, le=1)
    """A file of which more rows than this are deleted is written anew without them."""
    keep_days: int = Field(default=30, ge=7)
    """How long a file stays that no longer belongs to its table's newest version."""
    vacuum_every_days: int = Field(default=7, ge=0)
    """How often files that may go are looked for."""
    max_seconds: float = Field(default=300, gt=0)
    """The longest that a table is worked on in a run; what was committed by then stays."""


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="CIVICLAKE_", env_nested_delimiter="__", extra="forbid"
    )

    state_dir: Path = Field(default_factory=lambda: project_root() / "var")
    """Everything that is made at run time: lake, landing, logs, secrets, environments."""
    schemas_dir: Path = Field(default_factory=lambda: project_root() / "schemas")
    expectations_dir: Path = Field(default_factory=lambda: project_root() / "expectations")
    marts_dir: Path = Field(default_factory=lambda: project_root() / "marts")
    """A folder for each table that is made from others, by application."""
    lake_uri: str | None = None
    """Root of the Delta tables in S3 (``s3a://bucket/folder``) and not in ``<state_dir>/lake``."""
    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    airflow: AirflowSettings = AirflowSettings()
    alerts: AlertSettings = AlertSettings()
    postgres: PostgresSettings = PostgresSettings()
    state: StateSettings = StateSettings()
    landing: LandingSettings = LandingSettings()
    pseudonym: PseudonymSettings = PseudonymSettings()
    linkage: LinkageSettings = LinkageSettings()
    marts: MartSettings = MartSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()

    @field_validator("lake_uri")
    @classmethod
    def _only_in_s3(cls, value: str | None) -> str | None:
        if not value:
            return None
        if _IN_S3.fullmatch(value):
            return value.rstrip("/")
        raise ValueError("allowed is a folder of a bucket: s3a://bucket/folder (a-z, 0-9, .-_)")

    @model_validator(mode="after")
    def _landing_has_its_index(self) -> Settings:
        if self.landing.url and not self.state.url:
            raise ValueError(
                "landing.url is set, but state.url is not: landing in an object store keeps its"
                " index in PostgreSQL; set both, or neither"
            )
        return self

    @model_validator(mode="after")
    def _store_has_a_lake(self) -> Settings:
        if self.store.endpoint and not self.lake_uri:
            raise ValueError(
                "store.endpoint is set, but lake_uri is not: the lake stays on this host's disk;"
                " set lake_uri to a folder of a bucket there (s3a://bucket/folder), or leave"
                " store.endpoint out"
            )
        return self

    @model_validator(mode="after")
    def _executors_reach_the_lake(self) -> Settings:
        if self.engine.is_clustered and not self.lake_uri:
            raise ValueError(
                f"engine.master is {self.engine.master}, but lake_uri is not set: executors reach"
                " no folder of this host; set lake_uri to a folder of a bucket, or engine.master"
                " to local[*]"
            )
        return self

    @property
    def lake(self) -> str:
        """Root of the Delta tables, without a trailing slash."""
        return (self.lake_uri or str(self.state_dir / "lake")).rstrip("/")

    @property
    def landing_dir(self) -> Path:
        """Where the bytes of every batch are kept as they came."""
        return self.state_dir / "landing"

    @property
    def secrets_dir(self) -> Path:
        """Folder (mode 0700) of the secrets made at first start."""
        return self.state_dir / "secrets"

    @property
    def run_dir(self) -> Path:
        """Process ids and logs of what ``make up`` started."""
        return self.state_dir / "run"

    @property
    def locks_dir(self) -> Path:
        """Lock files of the tables' writers."""
        return self.state_dir / "locks"

    @property
    def manifest_path(self) -> Path:
        """The compiled manifest that ``dags/`` reads."""
        return self.state_dir / "manifest.json"

    @property
    def data_docs_dir(self) -> Path:
        """Great Expectations' Data Docs."""
        return self.state_dir / "data_docs"

    @property
    def brief_dir(self) -> Path:
        """The pages of the city's brief."""
        return self.state_dir / "brief"

    @property
    def jars_dir(self) -> Path:
        """JARs fetched by set-up, and the one compiled from ``jvm/``."""
        return project_root() / "var" / "jars"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over profile over defaults; no dotenv file is ever read."""
        toml = [TomlConfigSettingsSource(settings_cls, file) for file in _files()]
        return (init_settings, env_settings, *toml)


def load_settings() -> Settings:
    """Read the settings of this process now.

    Raises:
        UserError: a file, a variable or a value in them is none that is allowed.
    """
    faults.refuse_unknown_profile(project_root() / "conf", _profile(), _DEFAULT_PROFILE)
    faults.refuse_unknown_variables(Settings, os.environ)
    files = [(path, faults.read_toml(path)) for path in _files()]
    try:
        return Settings()
    except ValidationError as error:
        raise UserError(faults.sentence(error, files, Settings)) from None
    except SettingsError as error:
        beneath = error.__cause__ or error
        raise UserError(f"{error}: allowed is JSON ({beneath})") from None


def _profile() -> str:
    return os.environ.get("CIVICLAKE_PROFILE") or _DEFAULT_PROFILE


def _files() -> list[Path]:
    """Those that are there, the profile's first."""
    conf = project_root() / "conf"
    return [path for name in (_profile(), "default") if (path := conf / f"{name}.toml").exists()]
