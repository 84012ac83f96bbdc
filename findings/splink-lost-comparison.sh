#!/usr/bin/env bash
# A failed training session of Splink takes the comparison that it was about out of the model.
#
# estimate_parameters_using_expectation_maximisation() raises EMTrainingException when its blocking
# rule gives no pairs, as that of a column does which is empty in this delivery. Whoever catches
# it and goes on, as one may with one of several sessions, guesses that the model is as it was.
# But the session has removed the comparisons of the rule's columns from the linker's settings by
# then, and does not put them back: what is trained, saved and scored afterwards lacks them.
#
# Seen with splink 5.0.0:
#   before  ['first', 'last', 'email']
#   EMTrainingException: Training rule `l."email" = r."email"` resulted in no record pairs. ...
#   after   ['first', 'last']
# What to do: count the pairs of a rule before the session. Fails if the comparison stays.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(splink==5.0.0 pandas==2.3.3)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import logging

import pandas as pd
import splink
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

names = [("Ana", "Ash"), ("Ana", "Ash"), ("Ben", "Ash"), ("Ben", "Cox"), ("Eva", "Cox")] * 20
people = pd.DataFrame(names, columns=["first", "last"])
people.insert(0, "unique_id", range(len(people)))
people["email"] = pd.array([None] * len(people), dtype="string")

db = DuckDBAPI()
settings = SettingsCreator(
    link_type="dedupe_only",
    comparisons=[cl.ExactMatch("first"), cl.ExactMatch("last"), cl.ExactMatch("email")],
    blocking_rules_to_generate_predictions=[block_on("last")],
)
linker = Linker(db.register(people, table_name="people"), settings, log_level=logging.ERROR)
training = linker.training
training.estimate_u_using_random_sampling(max_pairs=10_000, seed=1, num_chunks=1)


def comparisons():
    model = linker.misc.save_model_to_json()
    return [c["output_column_name"] for c in model["comparisons"]]


print("splink", splink.__version__)
before = comparisons()
print("before ", before)
try:
    training.estimate_parameters_using_expectation_maximisation(block_on("email"), max_pairs=10_000)
except EMTrainingException as error:
    print("raised ", str(error)[:70])
else:
    raise AssertionError("a rule without pairs is no error")
after = comparisons()
print("after  ", after)
assert before == ["first", "last", "email"], before
assert after == ["first", "last"], after
PYTHON
