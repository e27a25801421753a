"""Stock packages of npm, unchanged, fetched once a `package.json` with its pinned versions."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.requirements import require

_INSTALLED = Path(__file__).parents[1] / ".npm"


def installed(source: Path, *scripts: str) -> Path:
    """A folder with the packages of `source/package.json`, and `scripts` of `source` beside them.

    Skips the test where Node or npm is missing, or cannot fetch.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        require("npm", "node and npm are not on PATH")
    wanted = (source / "package.json").read_bytes()
    directory = _INSTALLED / hashlib.sha256(wanted).hexdigest()[:16]
    if not (directory / "complete").is_file():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "package.json").write_bytes(wanted)
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        command = ["npm", "install", "--silent", *quiet]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=240)
        if done.returncode != 0:
            require("npm", f"the packages cannot be fetched: {done.stderr[-300:]}")
        (directory / "complete").touch()
    for script in scripts:
        shutil.copy(source / script, directory)
    return directory
