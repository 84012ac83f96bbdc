"""Where the sample city's systems live, and what every one of them can do."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from civiclake import secrets
from civiclake.local import process
from civiclake.local.ports import free_port, free_ports
from civiclake.settings import Settings
from demo.city.model import Model


@dataclass(frozen=True)
class Site:
    """One installation's folders, ports and secrets."""

    settings: Settings

    @property
    def run_dir(self) -> Path:
        """Process ids, logs and ports of the systems."""
        return self.settings.run_dir / "sources"

    @property
    def drops(self) -> Path:
        """Where the departments without a server drop their files."""
        return self.settings.state_dir / "drops"

    def data(self, name: str) -> Path:
        """What a system keeps."""
        return self.settings.state_dir / "sources" / name

    def secret(self, name: str) -> str:
        """A password of the sample city, made when it is first asked for."""
        return secrets.ensure(self.settings, f"demo_{name}")

    def port(self, name: str, first: int) -> int:
        """The port of that name: kept, so that addresses stay the same.

        Args:
            name: what listens there; ``CIVICLAKE_DEMO__<NAME>_PORT`` asks for another.
            first: taken when it is free and nothing else was asked for; 0 is any.
        """
        path = self.run_dir / "ports.json"
        ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        if name not in ports:
            asked = int(os.environ.get(f"CIVICLAKE_DEMO__{name.upper()}_PORT", first))
            port = free_port(asked)
            if port in ports.values():
                (port,) = free_ports(1, taken=ports.values())
            ports[name] = port
            write(path, json.dumps(ports))
        return ports[name]


class System(Protocol):
    """A system of one or more departments."""

    name: str
    """As a person calls it."""

    def start(self, site: Site) -> str:
        """Start it, unless it runs; what to tell a person of its address."""
        ...

    def stop(self, site: Site) -> bool:
        """Stop it; whether it was running."""
        ...

    def running(self, site: Site) -> process.Running | None:
        """Its process; a system without one is never running."""
        ...

    def environment(self, site: Site) -> dict[str, str]:
        """What the contracts' ``${NAME}`` and connections stand for."""
        ...

    def prepare(self, site: Site, model: Model, night: int) -> None:
        """Bring it from the night before to this one; it runs."""
        ...


def write(path: Path, text: str) -> None:
    """Write a small file so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text + "\n")
    fresh.replace(path)
