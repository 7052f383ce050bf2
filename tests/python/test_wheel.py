"""The wheel stands by itself: what a bot's environment needs is that one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import ROOT, missing

import driftshm

TARGET = ROOT / "target" / "python"


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_it_is_one_for_all_pythons_and_works_in_an_environment_of_its_own(tmp_path: Path) -> None:
    maturin = Path(sys.executable).with_name("maturin")
    if not maturin.exists() or not TARGET.exists():
        missing("what make build leaves behind: without it this takes minutes")
    build = ["build", "--locked", "--release", "--quiet", "--out", tmp_path]
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET)}
    run(maturin, *build, cwd=ROOT / "reader-py", env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    assert "-cp310-abi3-" in wheel.name
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps"]
    run(*pip, "--quiet", "--disable-pip-version-check", wheel)
    code = "import driftshm; print(driftshm.__version__, driftshm.ABI_VERSION, driftshm.__file__)"
    version, abi, file = run(python, "-I", "-c", code, cwd=tmp_path).split()
    assert (version, int(abi)) == (driftshm.__version__, driftshm.ABI_VERSION)
    assert Path(file).is_relative_to(venv)
