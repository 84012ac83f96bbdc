"""The SFTP server on which education and the weather service leave their files."""

from __future__ import annotations

from pathlib import Path

from civiclake.local import process
from demo import sshd
from demo.city.model import Model
from demo.encode import Format
from demo.systems import folders
from demo.systems.site import Site

_FIRST_PORT = 54350
_LEFT = {
    "education.enrolments": Format(delimiter="|"),
    "meteorology.warnings": Format("xml", records="warning"),
}
_CONNECTIONS = ("education_sftp", "meteorology_sftp")


class Transfer:
    """One server with a folder for each of two departments."""

    name = "SFTP server"

    def start(self, site: Site) -> str:
        """Start it, unless it runs."""
        _start(site)
        return f"{sshd.HOST}:{_port(site)}"

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        return sshd.stop(site.run_dir)

    def running(self, site: Site) -> process.Running | None:
        """Its process."""
        return sshd.status(site.run_dir)

    def environment(self, site: Site) -> dict[str, str]:
        """Address, login and keys."""
        login = {
            "HOST": sshd.HOST,
            "PORT": str(_port(site)),
            "USER": sshd.login_name(),
            "PRIVATE_KEY": _key(site, "login").private,
            "HOST_KEY": _key(site, "host").public,
        }
        return {
            f"{connection.upper()}_{part}": value
            for connection in _CONNECTIONS
            for part, value in login.items()
        }

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Leave a night's files there, with the times at which they were delivered."""
        for dataset, form in _LEFT.items():
            columns = model.series[dataset].shape.columns
            for path, delivered, rows in folders.dropped(model, dataset, form, night):
                folders.drop(_root(site) / path, delivered, form, columns, rows)


def _start(site: Site) -> None:
    sshd.start(
        site.data("sshd"),
        site.run_dir,
        port=_port(site),
        drops=_root(site),
        host_key=_key(site, "host"),
        login=_key(site, "login"),
    )


def _root(site: Site) -> Path:
    return site.data("transfer")


def _key(site: Site, whose: str) -> sshd.Key:
    return sshd.Key(site.secret(f"sftp_{whose}_key"))


def _port(site: Site) -> int:
    return site.port("sftp", _FIRST_PORT)
