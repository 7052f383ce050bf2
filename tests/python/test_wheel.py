"""The wheel stands by itself: what a bot's environment needs is that one file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support import ROOT, missing

import driftshm

TARGET = ROOT / "target" / "python"


SMOKE = """
import sys
sys.path.insert(0, sys.argv[1])
import driftshm, driftshm.drift_v2, driftshm.velocity
print(driftshm.__version__, driftshm.ABI_VERSION, driftshm.__file__)
print(driftshm.derive_user_account(bytes(32), 1) != driftshm.derive_user_account(bytes(32)))
for wrong in (lambda: driftshm.derive_user_account(bytes(32), -1), lambda: driftshm.open("./none")):
    try:
        wrong()
    except driftshm.DriftShmError as error:
        print(type(error).__name__)
"""


def interpreters() -> dict[str, str | Path]:
    """This one, and one of each other version that is installed of those that the wheel is for."""
    found: dict[str, str | Path] = {}
    versions = Path.home() / ".pyenv" / "versions"
    names = [f"python3.{minor}" for minor in range(10, 15)]
    others = [
        path for name in names for path in (shutil.which(name), *versions.glob(f"*/bin/{name}"))
    ]
    for each in (sys.executable, *others):
        # A shim of pyenv is there for versions that it does not run, too.
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        command = [each or "false", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found.setdefault(done.stdout.strip(), each or "")
    return found


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
    for number, interpreter in interpreters().items():
        # `--target` instead of an environment: it needs neither pip nor venv of each interpreter.
        place = tmp_path / number
        pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", place]
        of_it = ["--only-binary=:all:", "--python-version", number]
        run(*pip, *of_it, "--quiet", "--disable-pip-version-check", wheel)
        version, abi, file, *found = run(
            interpreter, "-I", "-c", SMOKE, place, cwd=tmp_path
        ).split()
        assert (version, int(abi)) == (driftshm.__version__, driftshm.ABI_VERSION)
        assert Path(file).is_relative_to(place)
        assert found == ["True", "ArgumentError", "NoRegionError"]
