#!/usr/bin/env bash
# httpx hands out a streamed body only when a whole chunk of the asked size is full.
#
# iter_bytes(65536) reads like "at most 64 KiB at a time", as a socket's recv and read1 do. It is
# "exactly": a source that sends a few bytes a second keeps the loop waiting until 64 KiB are there
# or the body ends, though every read stays within the read timeout. A time limit or a progress line
# inside the loop is not reached. Without a size, each piece comes as it arrives.
#
# Seen with httpx 0.28.1, ten bytes, one each 0.1 s:
#   iter_bytes(65536)  one piece, after 1.0 s
#   iter_bytes(4)      pieces of 4, 4 and 2, the first after 0.4 s
#   iter_bytes()       ten pieces, the first at once
# What to do: iter_bytes() without a size, or iter_raw(). Fails if pieces come as they arrive.
set -euo pipefail
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
packages=(httpx==0.28.1)
if command -v uv >/dev/null; then
    uv venv -q "$made/env"
    uv pip install -q --python "$made/env" "${packages[@]}"
else
    python3 -m venv "$made/env"
    "$made/env/bin/pip" install -q "${packages[@]}"
fi
"$made/env/bin/python" - <<'PYTHON'
import http.server
import threading
import time

import httpx


class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        for _ in range(10):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("httpx", httpx.__version__)
found = {}
for size in (65536, 4, None):
    pieces = []
    with httpx.stream("GET", f"http://127.0.0.1:{server.server_port}/", timeout=5) as response:
        begun = time.monotonic()
        for piece in response.iter_bytes(size):
            pieces.append(len(piece))
            if len(pieces) == 1:
                print(f"iter_bytes({size}): the first piece after {time.monotonic() - begun:.1f} s", end="")
    print(f", pieces of {pieces}")
    found[size] = pieces
server.shutdown()
assert found[65536] == [10], "a chunk was handed out before it was full"
assert found[4] == [4, 4, 2]
assert len(found[None]) > 2
PYTHON
