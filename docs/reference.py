"""Writes the pages of docs/reference/ from the docstrings: `python docs/reference.py`; a test keeps them true."""

from __future__ import annotations

import dataclasses
import inspect
import re
import tomllib
from enum import Enum
from pathlib import Path
from typing import Any

import treemem
from treemem.knowledge.bases import KnowledgeBases
from treemem.knowledge.preferences import Preferences
from treemem.knowledge.skills import Skills
from treemem.knowledge.tools import Tools
from treemem.reorganize.reorganizer import Reorganizer
from treemem.tasks.verbs import Tasks

FOLDER = Path(__file__).with_name("reference")
PARAMETERS: dict[str, str] = tomllib.loads(Path(__file__).with_name("parameters.toml").read_text("utf-8"))
#: The pages: file, title, and which names stand on them.
PAGES = {
    "memory": "TreeTextMemory: every verb",
    "reorganizer": "Reorganizer",
    "tasks": "Tasks",
    "preferences": "Preferences",
    "knowledge-bases": "Knowledge bases",
    "skills": "Skills",
    "tools": "Tools",
    "data": "Data: what verbs take and return",
    "settings": "Settings and models",
    "errors": "Errors",
}
#: Names that stand on no page of their own, or on one with all their verbs.
_ELSEWHERE = {
    "__version__",
    "AsyncReorganizer",
    "AsyncTasks",
    "Tasks",
    "AsyncPreferences",
    "AsyncKnowledgeBases",
    "AsyncSkills",
    "AsyncTools",
}
_EXAMPLE = re.compile(r"^(>>> (?:.+\n)+)", re.MULTILINE)
_FAMILY = re.compile(r"^    # ---- (.+?) -+$|^    def (\w+)\(", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the pages as Markdown, by file name: the contents, and a page a family."""
    made = {f"{name}.md": _page(name, title) for name, title in PAGES.items()}
    contents = ["# Reference\n", "Everything that `from treemem import ...` offers, from the docstrings.\n"]
    for name, title in PAGES.items():
        entries = re.findall(r"^## (.+)$", made[f"{name}.md"], flags=re.MULTILINE)
        contents.append(f"- [{title}]({name}.md): {', '.join(f'[{e}]({name}.md#{_anchor(e)})' for e in entries)}")
    return {"README.md": "\n".join(contents) + "\n", **made}


def _page(name: str, title: str) -> str:
    if name == "memory":
        parts = [_verbs(treemem.TreeTextMemory, "memory.py")]
    elif name == "reorganizer":
        parts = [_verbs(Reorganizer, "reorganize/reorganizer.py")]
    elif name == "tasks":
        parts = [_verbs(Tasks, "tasks/verbs.py")]
    elif name == "preferences":
        parts = [_verbs(Preferences, "knowledge/preferences.py")]
    elif name == "knowledge-bases":
        parts = [_verbs(KnowledgeBases, "knowledge/bases.py")]
    elif name == "skills":
        parts = [_verbs(Skills, "knowledge/skills.py")]
    elif name == "tools":
        parts = [_verbs(Tools, "knowledge/tools.py")]
    else:
        wanted = [n for n in treemem.__all__ if n not in _ELSEWHERE and _family(n) == name]
        parts = [_entry(n, getattr(treemem, n)) for n in sorted(wanted, key=str.casefold)]
    return f"# {title}\n\n" + "\n".join(parts).rstrip() + "\n"


def _family(name: str) -> str:
    value = getattr(treemem, name)
    if inspect.isclass(value) and issubclass(value, treemem.TreememError):
        return "errors"
    if name.endswith("TreeTextMemory"):
        return "memory"
    return "settings" if name.endswith(("Config", "Embedder", "MiniLM", "Options", "LLM")) else "data"


def _verbs(owner: type, file: str) -> str:
    """Return the verbs of a class by the families that its source names, and a table of what their parameters mean."""
    source = (Path(treemem.__file__).parent / file).read_text("utf-8")
    lines = [_said(owner)]
    families: dict[str, list[str]] = {}
    family = "Opening, views, closing" if owner is treemem.TreeTextMemory else "Verbs"
    for title, name in _FAMILY.findall(source):
        family = title or family
        if name and not name.startswith("_") and hasattr(owner, name):
            families.setdefault(family, []).append(name)
    used: set[str] = set()
    for family, names in families.items():
        lines.append(f"## {family}\n")
        for name in names:
            value = inspect.getattr_static(owner, name)
            lines.append(f"### {name}\n")
            if not isinstance(value, property):
                member = getattr(owner, name)
                lines.append(f"```python\n{_signature(name, member)}\n```\n")
                used |= set(inspect.signature(member).parameters) - {"self"}
            lines.append(_said(value))
    used &= set(PARAMETERS)
    lines += ["## Parameters\n", "| name | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {PARAMETERS[name]} |" for name in sorted(used)]
    if owner is treemem.TreeTextMemory:
        lines += ["\n## AsyncTreeTextMemory\n", _said(treemem.AsyncTreeTextMemory)]
    return "\n".join(lines)


def _entry(name: str, value: Any) -> str:
    lines = [f"## {name}\n", _said(value)]
    if inspect.isclass(value) and not issubclass(value, BaseException):
        if issubclass(value, Enum):
            lines.append("Values: " + ", ".join(f"`{member.value}`" for member in value) + ".\n")
        elif hasattr(value, "model_fields"):
            lines += ["| field | type |", "|---|---|"]
            lines += [f"| `{n}` | `{_type(f.annotation)}` |" for n, f in value.model_fields.items()]
            lines.append("")
        elif _has_signature(value):
            lines.append(f"```python\n{_signature(name, value)}\n```\n")
        for method, function in sorted(_methods(value)):
            lines.append(f"### {name}.{method}\n")
            lines.append(f"```python\n{_signature(method, function)}\n```\n")
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


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\b(?:typing|collections\.abc|datetime|pathlib|treemem(?:\.\w+)*)\.(?=\w)", "", text)
    return text.replace("|", "\\|")


def _signature(name: str, value: Any) -> str:
    """Return a signature as it would be written: on one line where that has at most 100 characters."""
    whole = inspect.signature(value)
    whole = whole.replace(parameters=[p for p in whole.parameters.values() if p.name != "self"])
    text = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", str(whole).replace("'", ""))
    parameters = [str(p).replace("'", "") for p in whole.parameters.values()]
    if len(name + text) <= 100:
        return name + text
    end = text[text.rindex(")") :]
    star = next((n for n, p in enumerate(whole.parameters.values()) if p.kind is p.KEYWORD_ONLY), None)
    if star is not None:
        parameters.insert(star, "*")
    lines = [re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", p) for p in parameters]
    return name + "(\n" + "".join(f"    {line},\n" for line in lines) + end


def _said(value: Any) -> str:
    """Return a docstring as Markdown: its examples stand in a fence."""
    text = (inspect.getdoc(value) or "").strip()
    return _EXAMPLE.sub(r"\n```pycon\n\1```\n", text + "\n").strip() + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
