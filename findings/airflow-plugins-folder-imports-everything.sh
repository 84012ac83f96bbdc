#!/usr/bin/env bash
# Airflow imports every module below its plug-ins folder by its bare file name, as a second copy.
#
# A plug-in that grew becomes a package beside its plug-in file: plugins/kit/ with __init__.py and
# modules. One guesses that Airflow imports the plug-in file and Python the package. Airflow walks the
# folder and runs every .py by itself as well, modules inside of packages under their file's name: each is
# there twice (classes of one are no instances of the other's), top-level code runs twice, in
# every process, and a relative import in one is an import error of the plug-ins.
#
# Seen with apache-airflow 3.3.2, plugins/plug.py with `import kit.rules`, plugins/kit/rules.py:
#   imported as kit.rules
#   imported as rules
#   relative.py: ImportError: attempted relative import with no known parent package
# What to do: put packages elsewhere on the path, or list them in .airflowignore. Fails if each is there once.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(apache-airflow==3.3.2)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
export AIRFLOW_HOME=$made AIRFLOW__CORE__LOAD_EXAMPLES=false AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR
export PYTHONWARNINGS=ignore PATH="$made/env/bin:$PATH"
mkdir "$made/dags" "$made/plugins"

mkdir "$made/plugins/kit"
touch "$made/plugins/kit/__init__.py"
cat >"$made/plugins/plug.py" <<'PLUGIN'
import kit.rules
from airflow.plugins_manager import AirflowPlugin


class Plug(AirflowPlugin):
    name = "plug"
PLUGIN
echo 'print("imported as", __name__)' >"$made/plugins/kit/rules.py"
printf 'print("imported as", __name__)\nfrom . import rules\n' >"$made/plugins/kit/relative.py"
"$made/env/bin/python" - <<'PYTHON'
import subprocess

code = """
import airflow.plugins_manager as plugins

plugins.ensure_plugins_loaded()
print("errors", plugins.get_import_errors())
"""
ran = subprocess.run(["python", "-c", code], capture_output=True, text=True)
lines = ran.stdout.strip().splitlines()
print("\n".join(lines), ran.stderr[-300:])
copies = sorted(line for line in lines if line.startswith("imported as"))
assert copies == ["imported as kit.rules", "imported as relative", "imported as rules"], copies
assert "relative.py" in lines[-1] and "no known parent package" in lines[-1], lines[-1]
PYTHON
