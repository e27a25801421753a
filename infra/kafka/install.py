"""Apache Kafka's jars, from Maven Central by the ordinary `mvn`, kept until pom.xml changes."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from infra.embedded.service import EmbeddedError

OLDEST_JAVA = 17
_POM = Path(__file__).with_name("pom.xml")
_CACHE = _POM.parent.parent.parent / ".kafka"
_MEND = "sudo apt-get install default-jre-headless maven"


def installed() -> Path | None:
    """Where the jars are, None where they have not been fetched yet."""
    jars = _directory()
    return jars if jars.is_dir() else None


def install() -> Path:
    """The folder of jars, fetched (about 45 MB) if it is not there yet.

    Raises EmbeddedError where Java or Maven is missing, or Maven fails.
    """
    java()
    jars = _directory()
    if jars.is_dir():
        return jars
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until closed; others wait for these jars
        return jars if jars.is_dir() else _fetch(jars)


def _fetch(jars: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise EmbeddedError(f"no Maven (mvn) on PATH: {_MEND}")
    unfinished = jars.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime")
    # Maven prints what went wrong on stdout
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(_POM), *goal, f"-DoutputDirectory={unfinished}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise EmbeddedError(f"mvn failed: {' '.join(said)[:500] or done.stderr[-500:]}")
    unfinished.rename(jars)  # in one step: no run finds half of them
    return jars


def java() -> str:
    """The `java` on PATH. Raises EmbeddedError where there is none, or one that is too old."""
    found = shutil.which("java")
    if found is None:
        raise EmbeddedError(f"no Java on PATH: {_MEND}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', said)
    if match is None or int(match[1]) < OLDEST_JAVA:
        version = match[1] if match else "unknown"
        raise EmbeddedError(f"Java {OLDEST_JAVA} or newer is needed, {found} is {version}: {_MEND}")
    return found


def _directory() -> Path:
    return _CACHE / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
