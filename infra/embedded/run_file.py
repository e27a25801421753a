"""`run.json`: which processes a running stack consists of, for people and for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, processes: Mapping[str, tuple[int, str]]) -> None:
    """Replace the file in one step by `{name: {"pid": ..., "url": ...}}`, mode 0600."""
    content = {name: {"pid": pid, "url": url} for name, (pid, url) in processes.items()}
    new = path.with_suffix(".json.new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(content, indent=2) + "\n")
    new.replace(path)
