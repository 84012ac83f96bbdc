#!/usr/bin/env bash
# charset-normalizer's best() takes much Windows-1252 text for Windows-1250, however long it is.
#
# The two encodings agree on most letters, so both readings are free of mess and, as it measures
# coherence, equally coherent; the tie goes to cp1250. Spanish ñ becomes ń, Portuguese ã becomes ă,
# French è becomes č, without an error or a sign of doubt: best() is one match, and only the
# whole list of matches shows that another one scores the same.
#
# Seen with charset-normalizer 3.5.2 on Python 3.11:
#   Spanish     cp1250  chaos 0.0  coherence 0.5333   the same: cp1252
#   Portuguese  cp1250  chaos 0.0  coherence 0.6111   the same: cp1252
#   French      cp1250  chaos 0.0  coherence 0.7391   the same: cp1252
# Fails if best() tells them apart one day.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(charset-normalizer==3.5.2)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
from charset_normalizer import from_bytes

TEXTS = {
    "Spanish": "España;Cáceres;Logroño\n",
    "Portuguese": "São Paulo;Goiânia;Rondônia;Guajará-Mirim\n",
    "French": "Sèvres;Château-Thierry;pénitentiaire;Noël;forêt\n",
}
for language, line in TEXTS.items():
    text = f"id;name\n1;{line}" * 50
    matches = from_bytes(text.encode("cp1252"))
    best = matches.best()
    same = [
        m.encoding for m in matches
        if (m.chaos, m.coherence) == (best.chaos, best.coherence) and str(m) == text
    ]
    print(f"{language:11} {best.encoding}  chaos {best.chaos}  coherence {best.coherence}"
          f"   the same: {', '.join(same)}")
    assert best.encoding == "cp1250" and str(best) != text, "best() found the encoding"
    assert same == ["cp1252"], "the right reading no longer scores the same"
PYTHON
