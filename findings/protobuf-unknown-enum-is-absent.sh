#!/usr/bin/env bash
# A value of a proto2 enumeration that the reader does not know is no value: the field is absent.
#
# Public feeds grow new codes (a cause or an effect of an alert) before their readers are built
# anew. One guesses that the number is there, as it is for proto3 messages and as proto2's wire
# format holds it. In Python, HasField says false and the field gives its default, which is a
# sound value of its own: strike, technical problem, unknown and never said look the same. The
# number stands among the unknown fields.
#
# Seen with gtfs-realtime-bindings 3.0.0 and protobuf 7.36.2, an alert whose cause is 99:
#   HasField('cause') False, cause 1 (UNKNOWN_CAUSE), unknown fields [(6, 99)]
# What to do: look for the field's number in UnknownFieldSet. Fails if HasField says true.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(gtfs-realtime-bindings==3.0.0 protobuf==7.36.2)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import google.protobuf
from google.protobuf.unknown_fields import UnknownFieldSet
from google.transit.gtfs_realtime_pb2 import Alert

sent = Alert(cause=Alert.STRIKE).SerializeToString()
assert sent == b"\x30\x04"  # field 6, a number: 4
newer = Alert.FromString(b"\x30\x63")  # the same with a cause of a later edition: 99
unknown = [(field.field_number, field.data) for field in UnknownFieldSet(newer)]
print("protobuf", google.protobuf.__version__)
print("HasField", newer.HasField("cause"), "cause", newer.cause, "unknown fields", unknown)
assert not newer.HasField("cause"), "the field is there"
assert newer.cause == Alert.UNKNOWN_CAUSE
assert unknown == [(6, 99)]
PYTHON
