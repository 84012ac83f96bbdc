#!/usr/bin/env bash
# pymysql's conv={} takes the converters of what is sent away, too, so that it can't set autocommit.
#
# Who wants a row's values as the server wrote them, texts and all, passes conv={}: the parameter
# reads as the converters of results. But the same mapping holds the encoders of arguments, so no
# number or bool can be sent: even the connection's own SET AUTOCOMMIT fails with a TypeError that
# does not say why, and only on servers whose state differs from the wanted one, for it is not sent
# to others.
#
# Seen with pymysql 1.2.4: TypeError: no default type converter defined
# What to do: pass pymysql.converters.encoders as conv. Fails if autocommit can be set.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(pymysql==1.2.4)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pymysql
from pymysql.converters import encoders

print("pymysql", version("pymysql"))
raw = pymysql.connect(conv={}, defer_connect=True)
try:
    said = raw.escape(True)  # what autocommit(True) does before it sends
except TypeError as error:
    said = f"TypeError: {error}"
print("conv={}:", said)
assert said == "TypeError: no default type converter defined", said
kept = pymysql.connect(conv=dict(encoders), defer_connect=True)
print("conv=encoders:", kept.escape(True), "and converters of results:", len(kept.decoders))
assert kept.escape(True) == "1", kept.escape(True)
assert not kept.decoders
PYTHON
