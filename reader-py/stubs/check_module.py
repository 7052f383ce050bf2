"""Compares what stubtest does not: bases of classes, and the numbers of enums.

python reader-py/stubs/check_module.py     exits 1 if the built module and its stubs differ
"""

from __future__ import annotations

import ast
import enum
import importlib
import sys
from typing import TYPE_CHECKING

from generate import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bases for type checkers only.
UNSEEN = {"Generic", "object"}


def differences(module: str) -> Iterator[str]:
    """Each difference between a module and its stub, as a sentence."""
    runtime = importlib.import_module(f"driftshm.{module}")
    stub = ast.parse((PACKAGE / f"{module}.pyi").read_text(encoding="utf-8"))
    for definition in stub.body:
        if not isinstance(definition, ast.ClassDef):
            continue
        name = f"{module}.{definition.name}"
        found = getattr(runtime, definition.name)
        bases = {base.__name__ for base in found.__bases__} - UNSEEN
        if bases != (stubbed := bases_of(definition) - UNSEEN):
            yield f"{name} has the bases {sorted(bases)}, in the stub {sorted(stubbed)}"
        if issubclass(found, enum.Enum):
            members = {member.name: member.value for member in found}
            if members != (stubbed_members := members_of(definition)):
                yield f"{name} is {members}, in the stub {stubbed_members}"


def bases_of(definition: ast.ClassDef) -> set[str]:
    """The names of the bases, without modules and type arguments."""
    names = (ast.unparse(base).split("[")[0] for base in definition.bases)
    return {name.rpartition(".")[2] for name in names}


def members_of(definition: ast.ClassDef) -> dict[str, object]:
    """The members of an enum."""
    return {
        ast.unparse(line.targets[0]): ast.literal_eval(line.value)
        for line in definition.body
        if isinstance(line, ast.Assign)
    }


def main() -> int:
    """Prints the differences; returns the exit code."""
    modules = sorted(path.stem for path in PACKAGE.glob("*.pyi"))
    found = [difference for module in modules for difference in differences(module)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
