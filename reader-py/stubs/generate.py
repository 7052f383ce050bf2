"""Makes the typing stub of each profile: ``python/driftshm/<profile>.pyi``.

    python reader-py/stubs/generate.py            writes the stubs
    python reader-py/stubs/generate.py --check    exits 1, with a diff, if one is not current

The profiles in ``layout/profiles`` are all it reads; it needs nothing but Python. That the stubs
are true is proved by stubtest against the built module (``make lint``), and that they can be
worked with by ``check_types.py``. The stub of the native module, ``_driftshm.pyi``, is written by
hand.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path

from render import ProfileUnusable, stub

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "layout" / "profiles"
PACKAGE = ROOT / "reader-py" / "python" / "driftshm"


def module_of(profile: str) -> str:
    """As ``module_of`` in ``reader-py/src/schema.rs``."""
    return profile.replace("-", "_").replace(".", "_")


def stubs() -> dict[Path, str]:
    """All stubs, by their files."""
    made = {}
    for path in sorted(PROFILES.glob("*.json")):
        profile = json.loads(path.read_text(encoding="utf-8"))
        module = PACKAGE / f"{module_of(profile['name'])}.py"
        if not module.exists():
            raise ProfileUnusable(f"there is no module for its types: add {module}")
        made[module.with_suffix(".pyi")] = stub(profile)
    return made


def difference(path: Path, wanted: str) -> str:
    """From the file as it is to what it should be, as a unified diff."""
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    name = str(path.relative_to(ROOT))
    lines = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), name, f"{name} (current)"
    )
    return "".join(lines)


def main() -> int:
    """Writes or checks; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare; 1 if one differs")
    check = parser.parse_args().check
    try:
        made = stubs()
    except ProfileUnusable as error:
        print(f"stubs: {error}", file=sys.stderr)
        return 1
    outdated = {path: diff for path, text in made.items() if (diff := difference(path, text))}
    for path, diff in outdated.items():
        if check:
            print(diff, end="")
            print(f"{path.relative_to(ROOT)} is not current: run make stubs", file=sys.stderr)
        else:
            path.write_text(made[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and outdated else 0


if __name__ == "__main__":
    sys.exit(main())
