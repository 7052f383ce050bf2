"""The Python in the documentation runs, and shows what is there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import ROOT

if TYPE_CHECKING:
    from support import Writer


@pytest.mark.parametrize("document", ["README.md", "reader-py/README.md", "docs/python.md"])
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
