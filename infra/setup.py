"""make setup: a virtual environment in .venv with the locked dependencies. No root, no Docker.

Runs on whatever python3 there is, so it uses nothing that Python 3.6 does not have, and says in
one line what is missing and how to mend it.
"""

import hashlib
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".footfall-setup")
LOCK = os.path.join(ROOT, "requirements.lock")
OLDEST = (3, 11)
DOWNLOAD_MB = 400


def main() -> None:
    wanted = fingerprint()
    if os.path.exists(STAMP) and read(STAMP) == wanted:
        return
    check_python()
    started = time.time()
    say(
        "Setting up in .venv: about %d MB from PyPI the first time, then from pip's cache."
        % DOWNLOAD_MB
    )
    if not os.path.exists(PYTHON):
        run([sys.executable, "-m", "venv", VENV], "making .venv")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    bar = ["--progress-bar", "on"] if sys.stdout.isatty() else ["--quiet"]
    run(
        pip + bar + ["--require-hashes", "--requirement", LOCK],
        "installing what is in the lock file",
    )
    own = ["--quiet", "--no-build-isolation", "--no-deps", "--editable", ROOT]
    run(pip + own, "installing footfall")
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    say("Ready after %.0f s. Try: make demo" % (time.time() - started))


def check_python() -> None:
    if sys.version_info < OLDEST:
        fail(
            "Python %d.%d or newer is needed, python3 is %s." % (*OLDEST, sys.version.split()[0]),
            "sudo apt-get install python3.11 python3.11-venv   (macOS: brew install python@3.12)",
        )
    for module, package in (("venv", "python3-venv"), ("ensurepip", "python3-venv")):
        try:
            __import__(module)
        except ImportError:
            fail("Python's module %s is missing." % module, "sudo apt-get install " + package)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        digest.update(read(os.path.join(ROOT, name)).encode())
    return digest.hexdigest() + "\n" + ROOT


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def run(command: "list[str]", doing: str) -> None:
    say("  " + doing + " ...")
    if subprocess.call(command, cwd=ROOT) != 0:
        fail("%s failed; the reason stands above." % doing, "make clean, then make setup again")


def say(text: str) -> None:
    print(text, flush=True)


def fail(problem: str, mend: str) -> None:
    sys.exit("make setup: %s\n  Mend it with: %s" % (problem, mend))


if __name__ == "__main__":
    main()
