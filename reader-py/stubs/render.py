"""From a profile to the text of its stub, formatted as ruff does it."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    Profile = dict[str, Any]
    Field = dict[str, Any]

WIDTH = 100
INDENT = "    "

# Units whose precision is a constant of the program, named after them: PRICE_PRECISION.
NAMED_PRECISIONS = {
    "price",
    "quote",
    "base",
    "amm_reserve",
    "peg",
    "funding_rate",
    "spot_balance",
    "spot_cumulative_interest",
    "percentage",
    "margin",
    "spot_weight",
}

# What views and snapshots have themselves, and what the stub needs by name within their classes.
OWN_ATTRIBUTES = {"slot", "write_version", "version", "age", "staleness", "closed", "pubkey"}
RESERVED = {
    *("meta", "ensure_fresh", "snapshot", "to_dict", "bytes", "float"),
    *("int", "str", "bool", "property"),
}

HEADER = '''\
"""The types of the profile ``{name}`` (program version {program_version}).

Made from layout/profiles/{name}.json by reader-py/stubs/generate.py: do not edit.

Each struct of the program is two types: a live view (``PerpMarket``) and a snapshot
(``PerpMarketSnapshot``). Numbers are integers in the unit that their docstring names: the figure is
integer / 10**decimals, and ``account.float("path")`` gives it; unscaled where no unit is named.
Addresses are base58 text, byte arrays are `bytes`. An enum's attribute is a plain int where the
account holds a number that the profile has no name for.

Units:

{units}
"""
'''


class ProfileUnusable(Exception):
    """The profile cannot be a Python module; the message says why."""


def stub(profile: Profile) -> str:
    """The whole stub."""
    kinds = {name: account["kind"] for name, account in profile["accounts"].items()}
    blocks = [header(profile), imports(), all_names(profile)]
    for name, struct in profile["structs"].items():
        check_names(name, struct["fields"])
        of_kind = figures.OF_KIND.get(kinds.get(name, ""), ())
        blocks.append(struct_class(profile, name, struct, of_kind, live=True))
        blocks.append(struct_class(profile, name, struct, of_kind, live=False))
    blocks += [enum_class(name, variants) for name, variants in profile["enums"].items()]
    return "\n".join(blocks)


def header(profile: Profile) -> str:
    """The module's docstring, with all units."""
    lines = []
    for name, unit in profile["units"].items():
        meaning = [unit["doc"]] if unit.get("doc") else []
        lines += wrapped(f"- {name}: {'; '.join([*meaning, decimals(unit)])}", "", hanging="  ")
    names = {key: profile[key] for key in ("name", "program_version")}
    return HEADER.format(**names, units="\n".join(lines))


def imports() -> str:
    """What every stub of a profile uses."""
    return """\
import enum
from typing import final

from ._driftshm import ArrayView, FundingRate, Snapshot, View
from .types import MarketData
"""


def all_names(profile: Profile) -> str:
    """``__all__``, in the order in which the module has it."""
    structs = [name + suffix for name in profile["structs"] for suffix in ("", "Snapshot")]
    lines = [f'{INDENT}"{name}",' for name in [*structs, *profile["enums"]]]
    return "\n".join(["__all__ = [", *lines, "]", ""])


def struct_class(
    profile: Profile,
    name: str,
    struct: dict[str, Any],
    of_kind: tuple[figures.Figure, ...],
    *,
    live: bool,
) -> str:
    """The class of a struct's views, or that of its snapshots."""
    suffix, base, what = ("", "View", "live view") if live else ("Snapshot", "Snapshot", "snapshot")
    lines = ["@final", f"class {name}{suffix}({base}):"]
    account = profile["accounts"].get(name)
    of = f"the account {name}" if account else f"a struct {name} within an account"
    lines += docstring(f"A {what} of {of}.", INDENT)
    lines.append("")
    if live:
        signature = "def snapshot(self, *, max_age: float | None = None)"
        lines.append(f"{INDENT}{signature} -> {name}Snapshot:")
        text = "A frozen copy of the newest version. Raises `StaleError` as `ensure_fresh` does."
        lines += docstring(text, INDENT * 2)
    for field in struct["fields"]:
        ty = python_type(profile, field["type"], live=live)
        lines += attribute(field["name"], ty, field_doc(profile, field, base))
    taken = {field["name"] for field in struct["fields"]}
    for figure in of_kind:
        if figure.name not in taken and (live or not figure.live_only):
            lines += attribute(figure.name, figure.type, figure.doc, is_method=figure.is_method)
    return "\n".join([*lines, ""])


def enum_class(name: str, variants: list[str]) -> str:
    """An enum; discriminants count from 0."""
    lines = [f"class {name}(enum.IntEnum):"]
    lines += [f"{INDENT}{variant} = {number}" for number, variant in enumerate(variants)]
    return "\n".join([*lines, ""])


def python_type(profile: Profile, text: str, *, live: bool) -> str:
    """What reading a field of this type gives."""
    array = re.fullmatch(r"\[(.+);\d+\]", text)
    if array:
        elem = array[1]
        return "bytes" if elem == "u8" else f"ArrayView[{python_type(profile, elem, live=live)}]"
    if re.fullmatch(r"[ui]\d+", text):
        return "int"
    if text in profile["structs"]:
        return text if live else f"{text}Snapshot"
    if text in profile["enums"]:
        return text
    known = {"bool": "bool", "pubkey": "str"}
    if text not in known:
        raise ProfileUnusable(f"the profile has no type {text!r}")
    return known[text]


def field_doc(profile: Profile, field: Field, base: str) -> str:
    """What the field is, what is there where its Python type does not say, and in which unit."""
    parts = [f"{field['doc']}."] if field.get("doc") else []
    ty: str = field["type"]
    array = re.fullmatch(r"\[(.+);(\d+)\]", ty)
    if array:
        parts.append(f"{array[2]} {'bytes' if array[1] == 'u8' else 'items'}.")
    elif ty == "pubkey":
        parts.append("Base58.")
    elif re.fullmatch(r"[ui]\d+", ty):
        unit = field.get("unit")
        parts.append(f"{ty} in {unit_text(profile, unit)}." if unit else f"{ty}.")
    if field["name"] in OWN_ATTRIBUTES - {"pubkey"}:
        parts.append(f"Hides `{base}.{field['name']}`: see `meta`.")
    return " ".join(parts)


def unit_text(profile: Profile, name: str) -> str:
    """A unit with its precision: ``PRICE_PRECISION, 6 decimals``."""
    unit = profile["units"][name]
    label = f"{name.upper()}_PRECISION" if name in NAMED_PRECISIONS else name
    return f"{label}, {decimals(unit)}" if unit["decimals"] else label


def decimals(unit: dict[str, Any]) -> str:
    """How many decimals a unit's integers have."""
    count = unit["decimals"]
    return {0: "a whole number", 1: "1 decimal"}.get(count, f"{count} decimals")


def attribute(name: str, ty: str, doc: str, *, is_method: bool = False) -> Iterator[str]:
    """A read-only property, or a method without arguments."""
    if not is_method:
        yield f"{INDENT}@property"
    signature = f"{INDENT}def {name}(self) -> {ty}:"
    if doc:
        yield signature
        yield from docstring(doc, INDENT * 2)
    else:
        yield f"{signature} ..."


def docstring(text: str, indent: str) -> list[str]:
    """On one line if it fits; else the first sentence by itself if there is one that does."""
    if len(one := f'{indent}"""{text}"""') <= WIDTH:
        return [one]
    summary, _, rest = text.partition(". ")
    if rest and len(summary) + len(indent) + 4 <= WIDTH:
        return [f'{indent}"""{summary}.', "", *wrapped(rest, indent), f'{indent}"""']
    return [*wrapped(f'"""{text}', indent), f'{indent}"""']


def wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    """In lines that are not too long."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def check_names(struct: str, fields: list[Field]) -> None:
    """Names that would change the meaning of the class in Python."""
    for field in fields:
        if field["name"] in RESERVED:
            raise ProfileUnusable(f"{struct}.{field['name']} would hide what every account has")
