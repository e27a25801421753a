"""Where one run of the demo lives: its ports, its directory, its site file."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from infra.demo import catalogue
from infra.embedded.ports import free_offset, is_taken
from infra.embedded.stack import Page, secret_of
from schemas.settings import Ports, Settings
from schemas.site import Site
from schemas.site_file import load

PARENT = Path(__file__).parents[2] / ".footfall"
WORKED_EXAMPLE = Path(__file__).parent / "shop.yaml"
_LOGS_BESIDE = Path(__file__).parents[3] / "shared" / "data" / "logs"


class Place(msgspec.Struct, frozen=True):
    """`environment` is what every program of this run gets, the user's own commands too."""

    directory: Path
    site_file: Path
    site: Site
    settings: Settings
    environment: Mapping[str, str]

    @property
    def offset(self) -> int:
        return self.settings.ports.collect - Ports.with_offset(0).collect

    @property
    def collector(self) -> str:
        return self.url(self.settings.ports.collect)

    @property
    def personalize(self) -> str:
        return self.url(self.settings.ports.personalize)

    def url(self, port: int, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{port}"

    @property
    def pages(self) -> dict[str, Page]:
        ports = self.settings.ports
        state = ("--state-dir", str(self.directory))
        return {
            "shop": Page("infra.demo.toyhouse", ports.shop, state),
            "encyclopedia": Page("infra.demo.encyclopedia", ports.encyclopedia),
            "desk": Page("infra.demo.desk", ports.desk),
        }


@contextmanager
def place(environment: Mapping[str, str] = os.environ) -> Iterator[Place]:
    """A new directory for one run, gone afterwards.

    The ports are those of FOOTFALL_PORT_OFFSET, else the default ones, else free ones.
    """
    offset = environment.get("FOOTFALL_PORT_OFFSET") or str(_offset())
    PARENT.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="demo-", suffix=f"-{offset}", dir=PARENT))
    try:
        yield _place(directory, {**environment, "FOOTFALL_PORT_OFFSET": offset})
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # by a second Ctrl-C nothing ends sooner
        shutil.rmtree(directory, ignore_errors=True)


def _place(directory: Path, environment: Mapping[str, str]) -> Place:
    ports = Settings.from_environment(environment).ports
    site_file = _site_file(directory, ports)
    own = {
        **environment,
        "FOOTFALL_SITE": str(site_file),
        "FOOTFALL_SECRET_KEY": secret_of(directory, environment),
    }
    return Place(directory, site_file, load(site_file), Settings.from_environment(own), own)


def _offset() -> int:
    ports = msgspec.structs.astuple(Ports.with_offset(0))
    return free_offset() if any(is_taken("127.0.0.1", port) for port in ports) else 0


def _site_file(directory: Path, moved: Ports) -> Path:
    """The worked example; where ports are moved, a copy that knows the encyclopedia's."""
    default = Ports.with_offset(0)
    if moved == default:
        return WORKED_EXAMPLE
    copy = directory / WORKED_EXAMPLE.name
    text = WORKED_EXAMPLE.read_text()
    for host in ("127.0.0.1", "localhost"):
        text = text.replace(f'"{host}:{default.encyclopedia}"', f'"{host}:{moved.encyclopedia}"')
    copy.write_text(text)
    shutil.copy(catalogue.FILE, directory)  # which the site file names beside itself
    return copy


def log_beside() -> Path | None:
    """A real web-server log, where the folder with test data lies beside the checkout."""
    found = sorted(_LOGS_BESIDE.glob("*.log"), key=lambda path: path.stat().st_size)
    return found[-1] if found else None
