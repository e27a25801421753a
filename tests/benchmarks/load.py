"""Load on an HTTP server: wrk where it is on PATH, else a generator of our own.

Both keep N connections busy, each with one request at a time, and send the requests in turn.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

_WRK_SCRIPT = """
local requests, next = {{}}, {first}
for line in io.lines("{requests}.sizes") do requests[#requests + 1] = tonumber(line) end
local file = io.open("{requests}", "rb")
for i = 1, #requests do requests[i] = file:read(requests[i]) end
function request()
  next = next % #requests + 1
  return requests[next]
end
function delay() return {delay_ms} end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.status + errors.read + errors.write + errors.timeout + errors.connect))
end
"""


class Load(NamedTuple):
    """What one run gave. Latencies are from sending a request to its whole answer."""

    per_s: float
    p50_ms: float
    p99_ms: float


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One whole HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drive(
    url: str,
    requests: Sequence[bytes],
    place: Path,
    *,
    connections: int,
    seconds: float,
    delay_ms: int = 0,
) -> Load:
    """Raises RuntimeError when any answer was not 2xx. `delay_ms`: a rest before each request."""
    if shutil.which("wrk") is None:
        return uvloop.run(_drive(url, requests, connections, seconds, delay_ms / 1000))
    stored = place / "requests"
    stored.write_bytes(b"".join(requests))
    Path(f"{stored}.sizes").write_text("\n".join(str(len(request)) for request in requests))
    script = place / "load.lua"
    first = time.time_ns() % len(requests)
    text = _WRK_SCRIPT.replace("{{}}", "{}").replace("{requests}", str(stored))
    text = text.replace("{first}", str(first)).replace("{delay_ms}", str(delay_ms))
    script.write_text(text if delay_ms else re.sub(r"function delay.*\n", "", text))
    answer = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", answer.stdout)
    if found is None:
        raise RuntimeError(f"wrk says: {answer.stdout}{answer.stderr}")
    count, duration_us, p50_us, p99_us, failed = map(int, found.groups())
    if failed:
        raise RuntimeError(f"{failed} requests failed")
    return Load(count / duration_us * 1e6, p50_us / 1000, p99_us / 1000)


def processor_s(pid: int) -> float:
    """Processor seconds that a process has used so far; 0 where the system does not say."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _drive(
    url: str, requests: Sequence[bytes], connections: int, seconds: float, delay_s: float
) -> Load:
    parts, turn, latencies = urlsplit(url), cycle(requests), list[float]()
    end = time.perf_counter() + seconds

    async def keep_busy() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while (started := time.perf_counter()) < end:
            writer.write(next(turn))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(head.decode())
            if length := re.search(rb"content-length: (\d+)", head):
                await reader.readexactly(int(length[1]))
            latencies.append(time.perf_counter() - started)
            if delay_s:
                await asyncio.sleep(delay_s)
        writer.close()

    await asyncio.gather(*(keep_busy() for _ in range(connections)))
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    return Load(len(latencies) / seconds, p50, p99)
