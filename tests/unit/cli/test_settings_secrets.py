"""Settings are layered; secrets are made once, kept close, and come from the environment first."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from civiclake import secrets
from civiclake.errors import EXIT_USER, UserError
from civiclake.settings import Settings, load_settings, project_root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, with no CIVICLAKE_* of this session in the way."""
    for name in list(__import__("os").environ):
        if name.startswith("CIVICLAKE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CIVICLAKE_ROOT", str(tmp_path))
    (tmp_path / "conf").mkdir()
    return tmp_path


def _conf(root: Path, name: str, text: str) -> None:
    (root / "conf" / f"{name}.toml").write_text(text)


def test_defaults_stand_in_the_checkout(root: Path) -> None:
    settings = load_settings()
    assert settings.state_dir == root / "var"
    assert settings.lake == str(root / "var" / "lake")
    assert settings.manifest_path == root / "var" / "manifest.json"
    assert settings.schemas_dir == root / "schemas"
    assert settings.marts_dir == root / "marts"
    assert settings.engine.connect_port == 15002


def test_environment_over_profile_over_defaults(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _conf(root, "default", '[engine]\nconnect_port = 1\nsql_port = 2\njobs_memory = "1g"\n')
    _conf(root, "local", "[engine]\nsql_port = 3\n")
    _conf(root, "cluster", "[engine]\nsql_port = 4\n")
    engine = load_settings().engine
    assert (engine.connect_port, engine.sql_port, engine.jobs_memory) == (1, 3, "1g")
    monkeypatch.setenv("CIVICLAKE_PROFILE", "cluster")
    monkeypatch.setenv("CIVICLAKE_ENGINE__CONNECT_PORT", "5")
    engine = load_settings().engine
    assert (engine.connect_port, engine.sql_port, engine.jobs_memory) == (5, 4, "1g")


def test_spark_settings_of_both_files_come_together(root: Path) -> None:
    _conf(root, "default", '[engine.spark]\n"spark.a" = "1"\n"spark.b" = "1"\n')
    _conf(root, "local", '[engine.spark]\n"spark.b" = "2"\n')
    assert load_settings().engine.spark == {"spark.a": "1", "spark.b": "2"}


def test_settings_are_read_when_asked_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_settings()
    monkeypatch.setenv("CIVICLAKE_STATE_DIR", str(root / "elsewhere"))
    assert load_settings().state_dir == root / "elsewhere"
    assert first.state_dir == root / "var"


@pytest.mark.parametrize(
    "where",
    ["s3://bucket/lake", "s3a://bucket", "s3a://Bucket/lake", "s3a://b-1/a'b", "s3a://b-1/a/../b",
     "/srv/lake"],
)  # fmt: skip
def test_a_lake_elsewhere_is_in_s3_and_nowhere_else(
    root: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("CIVICLAKE_LAKE_URI", where)
    words = "CIVICLAKE_LAKE_URI: setting lake_uri is .*: allowed is a folder of a bucket"
    with pytest.raises(UserError, match=words):
        load_settings()
    monkeypatch.setenv("CIVICLAKE_LAKE_URI", "s3a://bucket/the/lake/")
    assert load_settings().lake == "s3a://bucket/the/lake"
    monkeypatch.setenv("CIVICLAKE_LAKE_URI", "")
    assert load_settings().lake == str(root / "var" / "lake")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[engine]\nsql_prot = 3\n",
            "setting engine.sql_prot is not known; did you mean 'sql_port'?",
        ),
        ("[engin]\nsql_port = 3\n", "setting engin is not known; did you mean 'engine'?"),
        ("[xyz]\na = 1\n", "setting xyz is not known; allowed are 'state_dir', 'schemas_dir', "),
        ("[marts]\nzzz = 1\n", "setting marts.zzz is not known; allowed are 'max_changed_groups'"),
        (
            '[engine]\nsql_port = "x"\n',
            'setting engine.sql_port is "x": input should be a valid int',
        ),
        (
            "[maintenance]\nkeep_days = 1\n",
            "setting maintenance.keep_days is 1: input should be gr",
        ),
        ("engine = 3\n", "setting engine is 3: input should be a valid dictionary"),
        ("[engine\n", "can't be read as TOML: "),
        ("\xff", "can't be read as TOML: "),
    ],
)
def test_a_fault_in_a_file_is_a_sentence(root: Path, text: str, words: str) -> None:
    (root / "conf" / "local.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as caught:
        load_settings()
    assert str(caught.value).startswith(str(root / "conf" / "local.toml"))
    assert words in str(caught.value)


def test_all_faults_are_told_at_once(root: Path) -> None:
    _conf(root, "local", "[engine]\nsql_prot = 3\n[airflow]\nport = -0.5\n")
    with pytest.raises(
        UserError, match=r"engine\.sql_prot is not known.*\n.*airflow\.port is -0\.5"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CIVICLAKE_ENGINE__SQL_PROT", "3", "setting engine.sql_prot is not known; did you mean"),
        (
            "CIVICLAKE_ENGINE__SQL_PORT",
            "x",
            'CIVICLAKE_ENGINE__SQL_PORT: setting engine.sql_port is "x"',
        ),
        ("CIVICLAKE_ENGIN__SQL_PORT", "3", "no setting; did you mean CIVICLAKE_ENGINE__SQL_PORT?"),
        ("CIVICLAKE_AIRFLOW_PORT", "3", "no setting; did you mean CIVICLAKE_AIRFLOW__PORT?"),
        ("CIVICLAKE_STATEDIR", "/x", "no setting; did you mean CIVICLAKE_STATE_DIR?"),
        ("CIVICLAKE_XYZ__ABC", "3", "CIVICLAKE_XYZ__ABC is no setting"),
        ("CIVICLAKE_ENGINE", "{", "allowed is JSON"),
    ],
)
def test_a_fault_in_a_variable_is_a_sentence(
    root: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError) as caught:
        load_settings()
    assert words in str(caught.value)


def test_variables_of_secrets_and_of_other_programs_are_let_be(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ("SQL_PASSWORD", "PSEUDONYM_KEY_K1", "AIRFLOW_DB_PASSWORD", "ANALYST_PASSWORD")
    for name in (*secret, "DEMO__STORE_PORT", "MANIFEST", "COMMAND", "NEW_TOKEN", "WRITE_GOLDEN"):
        monkeypatch.setenv(f"CIVICLAKE_{name}", "1")
    monkeypatch.setenv("CIVICLAKE_ENGINE__SPARK__a", "1")
    assert load_settings().engine.spark == {"a": "1"}


def test_a_profile_that_is_not_there_is_no_silent_default(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _conf(root, "cluster", "")
    monkeypatch.setenv("CIVICLAKE_PROFILE", "clutser")
    with pytest.raises(UserError, match=r"clutser\.toml: allowed are 'cluster'; did you mean 'clu"):
        load_settings()
    monkeypatch.setenv("CIVICLAKE_PROFILE", "local")  # the default needs no file
    load_settings()


def test_the_files_of_this_checkout_are_sound(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CIVICLAKE_ROOT")
    assert (project_root() / "jobs" / "civiclake").is_dir()
    assert load_settings().engine.spark["spark.sql.session.timeZone"] == "UTC"


def test_a_secret_is_made_once_and_kept_close(root: Path) -> None:
    settings = Settings()
    made = secrets.ensure(settings, "pseudonym_key_k1")
    assert len(made) >= 43  # 32 bytes
    assert secrets.ensure(settings, "pseudonym_key_k1") == made
    assert secrets.get(settings, "pseudonym_key_k1") == made
    assert secrets.ensure(settings, "other") != made
    path = settings.secrets_dir / "pseudonym_key_k1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700
    assert settings.secrets_dir.is_relative_to(settings.state_dir)


def test_many_starters_at_once_get_the_same_secret(root: Path) -> None:
    settings = Settings()
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: secrets.ensure(settings, "raced"), range(64)))
    assert len(found) == 1 and "" not in found
    assert [path.name for path in settings.secrets_dir.iterdir()] == ["raced"]


def test_the_environment_wins_and_nothing_is_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings()
    monkeypatch.setenv("CIVICLAKE_SQL_PASSWORD", "from outside")
    assert secrets.ensure(settings, "sql_password") == "from outside"
    assert secrets.get(settings, "sql_password") == "from outside"
    assert not settings.secrets_dir.exists()


def test_a_secret_that_is_not_there_is_asked_for_by_its_variable(root: Path) -> None:
    with pytest.raises(UserError, match="set CIVICLAKE_SQL_PASSWORD, or run `make up`") as caught:
        secrets.get(Settings(), "sql_password")
    assert caught.value.exit_code == EXIT_USER
