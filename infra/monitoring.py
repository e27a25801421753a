"""/health, /ready and /metrics for services that have no web application of their own."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = logging.getLogger(__name__)

Readiness = Callable[[], str]
"""'' when the service is ready, else what it waits for."""


class MonitoringServer:
    """Serves from a thread between `start` and `stop`."""

    def __init__(self, bind: str, port: int, readiness: Readiness) -> None:
        handler = _handler(readiness)
        self._server = ThreadingHTTPServer((bind, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        host, port = self._server.server_address[:2]
        log.info("health and metrics on http://%s:%s", host, port)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(readiness: Readiness) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
            elif self.path == "/health":
                self._answer(200, b'{"status": "ok"}', "application/json")
            elif self.path == "/ready":
                waits_for = readiness()
                body = {"ready": not waits_for, "waits_for": waits_for}
                status = 503 if waits_for else 200
                self._answer(status, json.dumps(body).encode(), "application/json")
            else:
                body = {"code": "not_found", "message": "try /health, /ready or /metrics"}
                self._answer(404, json.dumps(body).encode(), "application/json")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests of monitors are not worth a line each."""

    return Handler
