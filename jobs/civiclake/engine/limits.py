"""What a login may ask of the analysts' door, as the server reads it.

The server looks at the file whenever it is asked for a limit, so that ``engine up`` after a
change of the settings is enough; nothing is started again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from civiclake.engine import restarts, rights
from civiclake.local.files import write_whole
from civiclake.settings import Settings
from civiclake.settings_engine import LoginLimits

LOGINS = 32
"""So many logins can use all processors at once before others wait; a slot that idles costs
nothing."""
WORKING = "working"
"""File in the door's own folder: whose statements it works for."""
_LOGIN = re.compile(r"[a-z][a-z0-9_.-]{0,31}")


def path(settings: Settings) -> Path:
    """The file of limits, beside that of logins."""
    return settings.state_dir / "door" / "limits"


def write(settings: Settings) -> Path:
    """Write down what the settings say now; readable by the group that reads the logins."""
    limits = settings.engine.limits
    common = {"tasks": cores(settings.engine.master), **_said(limits)}
    lines = [f"{name}={n}" for name, n in common.items()]
    for login, own in sorted(limits.login.items()):
        lines += [f"{login}.{name}={n}" for name, n in _said(own).items()]
    target = path(settings)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    group = rights.door_group() if os.geteuid() == 0 else None
    write_whole(target, "".join(f"{line}\n" for line in lines))
    rights.share(target, group)
    return target


def _said(limits: LoginLimits) -> dict[str, int]:
    return limits.model_dump(exclude_none=True, exclude={"login"})


def cores(master: str) -> int:
    """How many processors a master of Spark's local kind stands for."""
    found = re.match(r"local\[(\d+)", master)
    return int(found[1]) if found else (os.cpu_count() or 1)


def options(settings: Settings) -> dict[str, str]:
    """Spark's settings by which no query takes all of the door."""
    master = settings.engine.master  # of a cluster, the door is no part of
    return {
        "spark.master": f"local[shared,{LOGINS * cores(master)}]",
        "spark.default.parallelism": str(cores(master)),
        # A task that runs out of memory fails, and not the process with it.
        "spark.executor.killOnFatalError.depth": "0",
        "spark.driver.maxResultSize": "512m",
    }


def interrupted(work: Path) -> list[str]:
    """Whose statements the door worked for when it ended.

    Args:
        work: the door's own folder, before it is made anew; the door could write anything there.
    """
    try:
        found = (work / WORKING).read_text()[:10_000].splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [name for name in found if _LOGIN.fullmatch(name)]


def properties(settings: Settings, work: Path, names: list[str]) -> list[str]:
    """Properties of the JVM: where limits stand, and whom it has to tell of its restart."""
    reason = restarts.read(settings.run_dir, "sql").reason
    because = f" ({reason})" if reason else ""
    return [
        f"-Dciviclake.limits={path(settings)}",
        f"-Dciviclake.working={work / WORKING}",
        f"-Dciviclake.interrupted={','.join(names)}",
        "-Dciviclake.notice=the analysts' door was started again while it worked for a statement of"
        f" yours{because}: send it again, or ask for less at once",
    ]
