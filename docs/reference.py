"""Writes docs/reference.md from the docstrings: `python docs/reference.py`; a test keeps the page true."""

from __future__ import annotations

import dataclasses
import inspect
import re
from enum import Enum
from pathlib import Path
from typing import Any

import treemem

PAGE = Path(__file__).with_name("reference.md")


def page() -> str:
    """Return the reference as Markdown: every exported name, its signature and its docstring."""
    parts = [
        "# Reference\n\nEverything that `from treemem import ...` offers, written from the docstrings by "
        "`python docs/reference.py`.\n"
    ]
    names = [name for name in treemem.__all__ if name != "__version__"]
    kinds: dict[str, list[str]] = {"Memories": [], "Data": [], "Settings and models": [], "Errors": []}
    for name in sorted(names, key=str.casefold):
        kinds[_section(getattr(treemem, name), name)].append(name)
    for title, members in kinds.items():
        parts.append(f"## {title}\n")
        parts += [_entry(name, getattr(treemem, name)) for name in members]
    return "\n".join(parts).rstrip() + "\n"


def _section(value: Any, name: str) -> str:
    if inspect.isclass(value) and issubclass(value, treemem.TreememError):
        return "Errors"
    if name.endswith("TreeTextMemory"):
        return "Memories"
    return "Settings and models" if name.endswith(("Config", "Embedder", "MiniLM", "Options", "LLM")) else "Data"


def _entry(name: str, value: Any) -> str:
    lines = [f"### {name}\n", _said(value)]
    if inspect.isclass(value) and not issubclass(value, BaseException):
        if issubclass(value, Enum):
            lines.append("Values: " + ", ".join(f"`{member.value}`" for member in value) + ".\n")
        elif not hasattr(value, "model_fields") and _has_signature(value):
            lines.append(f"```text\n{name}{_signature(value)}\n```\n")
        for method, function in sorted(_methods(value)):
            if name == "AsyncTreeTextMemory" and hasattr(treemem.TreeTextMemory, method) and method != "open":
                continue  # the same verbs
            lines.append(f"#### {name}.{method}\n")
            lines.append(f"```text\n{_signature(function)}\n```\n")
            lines.append(_said(function))
    return "\n".join(lines)


def _has_signature(value: type) -> bool:
    return value.__init__ is not object.__init__ and not getattr(value, "_is_protocol", False)


def _methods(value: type) -> list[tuple[str, Any]]:
    found = []
    for name in dir(value):
        member = inspect.getattr_static(value, name)
        ours = any(name in vars(base) for base in value.__mro__ if base.__module__.startswith("treemem"))
        inherited = hasattr(value, "model_fields") and not inspect.isfunction(inspect.unwrap(getattr(value, name)))
        if name.startswith("_") or not ours or inherited or isinstance(member, property):
            continue
        if dataclasses.is_dataclass(value) and name in {f.name for f in dataclasses.fields(value)}:
            continue
        if inspect.isroutine(getattr(value, name)):
            found.append((name, getattr(value, name)))
    return found


def _signature(value: Any) -> str:
    text = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", str(inspect.signature(value)).replace("'", ""))
    return text if len(text) < 100 else text.replace("(", "(\n    ", 1).replace(", ", ",\n    ")


def _said(value: Any) -> str:
    return (inspect.getdoc(value) or "").strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
