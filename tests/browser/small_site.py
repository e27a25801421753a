"""A site of a few pages on this machine, for a browser to look at."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def small_site(answer: Callable[[str], tuple[str, bytes]]) -> Iterator[str]:
    """Its address, without a slash at the end.

    `answer`: content type and body for what is asked for: the path with its query.
    """

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media, body = answer(self.path)
            self.send_response(200)
            self.send_header("Content-Type", media)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
