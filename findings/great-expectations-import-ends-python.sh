#!/usr/bin/env bash
# `import great_expectations` beside a plain pyspark ends Python with exit code 0.
#
# Great Expectations imports pyspark.sql.connect inside a try that catches ImportError. Where
# one of the packages of pyspark's [connect] extra is missing, that module does not raise one: it
# prints a line about doctests and calls sys.exit(0). So a script, a health check in a container or
# a scheduled job stops at the import and counts as a success, with nothing done.
#
# Seen with great-expectations 1.24.1 and pyspark 4.2.0, installed side by side without an extra:
#   python -c 'import great_expectations; print("imported")'
#   prints "Skipping doctests: [PACKAGE_NOT_INSTALLED] PyArrow >= 18.0.0 must be installed; ...", exits 0
# What to do: install pyspark[connect]. Fails if the import goes on or raises an ImportError.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(great-expectations==1.24.1 pyspark==4.2.0 pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import subprocess
import sys

code = """
import sys
try:
    import great_expectations
except SystemExit as error:
    print("SystemExit", error.code)
    raise
print("imported")
"""
ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
print(ran.stdout + ran.stderr.strip()[-300:], "- exit code", ran.returncode)
assert "imported" not in ran.stdout, "the import goes on"
assert ran.returncode == 0, "the import fails, as it should"
assert "SystemExit 0" in ran.stdout
PYTHON
