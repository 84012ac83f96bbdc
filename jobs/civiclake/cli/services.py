"""``up``, ``status`` and ``down``: everything that runs on this machine."""

from __future__ import annotations

import typer

from civiclake import engine, secrets
from civiclake.cli import city, engines
from civiclake.cli.console import put, say, show_table
from civiclake.local import airflow, airflow_env, postgres, stores
from civiclake.settings import Settings, load_settings


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("up")(up)
    app.command("status")(status)
    app.command("down")(down)


def up() -> None:
    """Start PostgreSQL, both Spark engines and Airflow; what runs already is left as it is."""
    settings = load_settings()
    start(settings)
    where = airflow_env.url(settings)
    put(f"Airflow: {where}, user {airflow_env.USER}, password {airflow.password(settings)}")


def start(settings: Settings, sources: dict[str, str] | None = None) -> None:
    """The same for callers in this process.

    Args:
        settings: of this installation.
        sources: environment of the source systems; default: this process's.
    """
    manifest = city.compile_city(settings)
    for problem in city.problems(manifest):
        say(problem)
    say(f"compiled {len(manifest.datasets)} contracts")
    say("starting PostgreSQL for Airflow's metadata")
    metadata = start_postgres(settings)
    stores.make_state(settings, metadata)
    if stores.start(settings):
        say(f"the lake's store answers at {settings.store.endpoint}")
    engine.up(settings, echo=say)
    say("starting Airflow")
    airflow.up(settings, manifest, metadata, sources=sources)


def start_postgres(settings: Settings) -> postgres.Server:
    """The PostgreSQL that keeps Airflow's metadata."""
    return postgres.start(
        settings.state_dir / "postgres",
        settings.postgres.port,
        secrets.ensure(settings, "postgres_superuser"),
        run_dir=settings.run_dir,
    )


def status() -> None:
    """Say what runs."""
    settings = load_settings()
    engines.show(engine.status(settings))
    found = {"postgres": postgres.status(settings.run_dir), **airflow.status(settings)}
    if settings.store.is_here:
        found["object store"] = stores.running(settings)
    rows = [
        (name, "up" if one else "down", str(one.pid) if one else "") for name, one in found.items()
    ]
    show_table(("service", "state", "process"), rows)


def down() -> None:
    """Stop what `up` started, and nothing else."""
    stopped = stop(load_settings())
    put("stopped: " + (", ".join(stopped) or "nothing was running"))


def stop(settings: Settings) -> list[str]:
    """The same for callers in this process; the names of what was running."""
    stopped = [f"airflow {name}" for name in airflow.down(settings)]
    running = [s.name for s in engine.status(settings) if s.state != "down"]
    engine.down(settings)
    stopped += [f"{name} engine" for name in running]
    if stores.stop(settings):
        stopped.append("object store")
    if postgres.stop(settings.run_dir):
        stopped.append("postgres")
    return stopped
