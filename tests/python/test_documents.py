"""The Python in the documentation runs, and shows what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from support import Writer

DOCUMENTS = [
    "README.md",
    "reader-py/README.md",
    "docs/python.md",
    "docs/from-driftpy.md",
    "docs/writing-a-profile.md",
]


@pytest.fixture
def sim(writer: Callable[..., Writer]) -> Writer:
    """A live writer of the cluster that documents open by name."""
    made = writer("--rate", "500", "--users", "20", "--seed", "7", start=False)
    made.cluster = "sim"
    return made.start()


def test_every_document_with_python_in_it_is_tested() -> None:
    listed = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("reader-py/*.md")]
    with_python = {
        str(path.relative_to(ROOT))
        for path in listed
        if "```python" in path.read_text(encoding="utf-8")
    }
    assert with_python == set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_of_a_document_runs(document: str, sim: Writer) -> None:
    pytest.importorskip("numpy")
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "snippets.py"), document],
        cwd=ROOT,
        env=os.environ | {"DRIFTSHM_DIR": str(sim.dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert " 0 blocks" not in done.stdout
