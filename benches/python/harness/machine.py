"""On what machine, and with which versions of everything."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("lmdb", "iceoryx2", "redis", "driftpy", "anchorpy", "numpy", "driftshm")


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "not there"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).split("\n")[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _python() -> str:
    name = f"{platform.python_implementation()} {platform.python_version()}"
    how = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return name if "--enable-optimizations" in how else f"{name}, built without its own profile"


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name}: not there"


def facts() -> list[tuple[str, str]]:
    """What to say about the machine, in that order."""
    cpus = len(os.sched_getaffinity(0))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    is_virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    machine = " in a virtual machine" if is_virtual else ""
    redis = _first_line("redis-server", "--version")
    return [
        ("processor", f"{_processor()}, {cpus} cores{machine}, {pages / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("load before", " ".join(f"{load:.2f}" for load in os.getloadavg())),
        ("Python", _python()),
        ("Rust", _first_line("rustc", "--version")),
        ("packages", ", ".join(_package(name) for name in PACKAGES)),
        ("redis-server", redis.removeprefix("Redis server ")),
    ]
