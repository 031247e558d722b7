"""Writes treemem/aio.py from memory.py, reorganize/reorganizer.py, tasks/verbs.py, knowledge/preferences.py,
knowledge/bases.py, knowledge/skills.py and knowledge/tools.py.

A test keeps it true.

    python .ci/make_aio.py [--check]

Each public method becomes a coroutine with the same signature and docstring that runs in a pool of threads; one that
yields becomes an asynchronous generator; one that returns a view returns an asynchronous view at once.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "treemem"
TARGET = PACKAGE / "aio.py"
FILES = (
    "memory.py",
    "reorganize/reorganizer.py",
    "tasks/verbs.py",
    "knowledge/preferences.py",
    "knowledge/bases.py",
    "knowledge/skills.py",
    "knowledge/tools.py",
)
#: What verbs return that goes on working afterwards, and its asynchronous twin.
TWINS = {"ChatStream": "AsyncChatStream"}
#: The methods that return another memory over the same store.
VIEWS = ("cube", "for_caller", "with_clock")

HEAD = '''"""The same memory for asyncio: each verb runs in a thread. Made from memory.py by .ci/make_aio.py."""

from __future__ import annotations

{imports}

if TYPE_CHECKING:
    import neo4j
    import networkx

P = ParamSpec("P")
R = TypeVar("R")
Run = Callable[[Callable[[], Any]], Awaitable[Any]]
#: How many calls of one memory run at once.
THREADS = 16
_END = object()

'''

#: The twin of an object that a memory has under the name {made_of}.
PART = '''
@checked_names
class Async{name}:
    """{name} for asyncio, with the same verbs.{more}"""

    def __init__(self, {made_of}: {name}, run: Run) -> None:
        """Use `memory.{made_of}`; `run` runs a call off the event loop."""
        self._{made_of} = {made_of}
        self._in_thread = run

    async def _run(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self._in_thread(functools.partial(verb, *args, **kwargs))
        return result

'''
#: What of the memory's twin is written by hand, in MEMORY.
BY_HAND = ("close", "reorganizer", "tasks", "preferences", "knowledge_bases", "skills", "tools")
#: The parts of a memory that have verbs of their own, and what is to be said of their twins.
PARTS = {
    "Reorganizer": "",
    "Tasks": " `work` holds one of the memory's threads until it ends.",
    "Preferences": "",
    "KnowledgeBases": "",
    "Skills": "",
    "Tools": "",
}

MEMORY = '''
@checked_names
class AsyncTreeTextMemory:
    """TreeTextMemory for asyncio, with the same verbs; many may run at once.

    A call that is cancelled before a thread took it up never runs; one that runs already goes on to its end, so that a
    change is made whole or not at all. `close` waits for those. Use it as an asynchronous context manager.
    """

    def __init__(
        self, memory: TreeTextMemory, *, threads: int = THREADS, pool: ThreadPoolExecutor | None = None
    ) -> None:
        """Wrap a memory that is open; `threads` bounds how many calls run at once."""
        self._memory = memory
        self._owns_pool = pool is None
        self._pool = pool or ThreadPoolExecutor(threads, thread_name_prefix="treemem")

    async def _in_thread(self, call: Callable[[], R]) -> R:
        # With the caller's context variables, as asyncio.to_thread has them: spans stay below the caller's, say.
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._pool, run, call)

    async def _run(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._in_thread(functools.partial(verb, *args, **kwargs))

    def _view(self, memory: TreeTextMemory) -> AsyncTreeTextMemory:
        return AsyncTreeTextMemory(memory, pool=self._pool)

    async def close(self) -> None:
        """Wait for running calls and release what this memory opened."""
        if self._owns_pool:
            await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(self._memory.close)

    async def __aenter__(self) -> AsyncTreeTextMemory:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def reorganizer(self) -> AsyncReorganizer:
        """The reorganizer of this cube."""
        return AsyncReorganizer(self._memory.reorganizer, self._in_thread)

    @property
    def tasks(self) -> AsyncTasks:
        """What is done later in this cube: the queue, and workers for it."""
        return AsyncTasks(self._memory.tasks, self._in_thread)

    @property
    def preferences(self) -> AsyncPreferences:
        """What the users of this memory prefer."""
        return AsyncPreferences(self._memory.preferences, self._in_thread)

    @property
    def knowledge_bases(self) -> AsyncKnowledgeBases:
        """The knowledge bases of this cube."""
        return AsyncKnowledgeBases(self._memory.knowledge_bases, self._in_thread)

    @property
    def skills(self) -> AsyncSkills:
        """How things are done: skills that were added, imported, or found in what was repeated."""
        return AsyncSkills(self._memory.skills, self._in_thread)

    @property
    def tools(self) -> AsyncTools:
        """The tools that conversations called, with what came of it."""
        return AsyncTools(self._memory.tools, self._in_thread)

'''


def made() -> str:
    """Return the text of aio.py."""
    sources = {name: (PACKAGE / name).read_text("utf-8") for name in FILES}
    classes = {}
    for source in sources.values():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                classes[node.name] = (node, source.splitlines())
    verbs = ""
    for name, more in PARTS.items():
        made_of = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        verbs += PART.format(name=name, more=more, made_of=made_of)
        verbs += "".join(_methods(*classes[name], f"self._{made_of}"))
    body = verbs + MEMORY + "".join(_methods(*classes["TreeTextMemory"], "self._memory"))
    own = (
        "import asyncio\nimport contextvars\nimport functools\n"
        "from collections.abc import AsyncIterator, Awaitable\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from typing import TYPE_CHECKING, ParamSpec, TypeVar\n"
        "from treemem.chat.streaming import AsyncChatStream\n"
        "from treemem.keywords import checked_names\n"
        "from treemem.memory import TreeTextMemory\n"
    )
    return HEAD.format(imports=_imports([own, *sources.values()], HEAD + body)) + body.rstrip() + "\n"


def _methods(owner: ast.ClassDef, lines: list[str], wrapped: str) -> list[str]:
    """Return the public methods and properties of a class as those of its asynchronous twin."""
    found = []
    for node in owner.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            if wrapped == "self._memory" and node.name in BY_HAND:
                continue
            found.append(_method(node, lines, wrapped))
    return found


def _method(node: ast.FunctionDef, lines: list[str], wrapped: str) -> str:
    decorators = [ast.unparse(d) for d in node.decorator_list]
    head = "\n".join(lines[node.lineno - 1 : node.body[0].end_lineno])
    args, kwargs = _given(node)
    given = "".join(f"            {each},\n" for each in (*args, *kwargs))
    if "property" in decorators:
        return f"    @property\n{head}\n        return {wrapped}.{node.name}\n\n"
    if "classmethod" in decorators:
        head = head.replace("    def ", "    async def ", 1).replace("-> TreeTextMemory", "-> AsyncTreeTextMemory")
        call = f"functools.partial(\n            TreeTextMemory.{node.name},\n{given}        )"
        opened = "        return cls(await asyncio.to_thread(opening))"
        return f"    @classmethod\n{head}\n        opening = {call}\n{opened}\n\n"
    if node.name in VIEWS:
        head = head.replace("-> TreeTextMemory", "-> AsyncTreeTextMemory")
        call = ", ".join((*args, *kwargs))
        return f"{head}\n        return self._view({wrapped}.{node.name}({call}))\n\n"
    head = head.replace("    def ", "    async def ", 1)
    for plain, twin in TWINS.items():
        head = head.replace(f"-> {plain}:", f"-> {twin}:").replace(f"| {plain}:", f"| {twin}:")
    if "overload" in decorators:
        return f"    @overload\n{head}\n"
    call = f"({wrapped}.{node.name})" if not given else f"(\n            {wrapped}.{node.name},\n{given}        )"
    if ast.unparse(node.returns or ast.Constant(None)).startswith("Iterator"):
        head = head.replace("-> Iterator[", "-> AsyncIterator[")
        call = f"{wrapped}.{node.name}(\n{given}        )"
        return (
            f"{head}\n        pages = {call}\n"
            "        while (page := await self._run(next, pages, None)) is not None:\n            yield page\n\n"
        )
    twins = [plain for plain in TWINS if f"| {TWINS[plain]}:" in head]
    if twins:
        twin = f"{TWINS[twins[0]]}(found, self._in_thread) if isinstance(found, {twins[0]}) else found"
        call = call.replace(f"{wrapped}.{node.name}", "verb", 1)
        verb = f"verb: Callable[..., Any] = {wrapped}.{node.name}"
        return f"{head}\n        {verb}\n        found = await self._run{call}\n        return {twin}\n\n"
    return f"{head}\n        return await self._run{call}\n\n"


def _given(node: ast.FunctionDef) -> tuple[list[str], list[str]]:
    """Return how a method's arguments are handed on: those without a name, and those by name."""
    args = [a.arg for a in node.args.args[1:]]
    kwargs = [f"{a.arg}={a.arg}" for a in node.args.kwonlyargs]
    if node.args.kwarg is not None:
        kwargs.append(f"**{node.args.kwarg.arg}")
    return args, kwargs


def _imports(sources: list[str], text: str) -> str:
    """Return the imports of the sources whose names the text uses, sorted as ruff sorts them."""
    tree = list(ast.walk(ast.parse(text.replace("{imports}", ""))))
    used = {each.id for each in tree if isinstance(each, ast.Name)} - {
        each.arg for each in tree if isinstance(each, ast.arg)
    }
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for source in sources:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import):
                plain |= {f"import {a.name}" for a in node.names if a.name in used}
            elif isinstance(node, ast.ImportFrom) and node.module not in (None, "__future__", "treemem"):
                names = {a.name for a in node.names if a.name in used}
                if names:
                    named.setdefault(str(node.module), set()).update(names)
    ours = [m for m in sorted(named) if m.startswith("treemem")]
    theirs = [m for m in sorted(named) if not m.startswith("treemem")]
    groups = [[*sorted(plain), *(_from(m, named[m]) for m in theirs)], [_from(m, named[m]) for m in ours]]
    return "\n\n".join("\n".join(group) for group in groups)


def _from(module: str, names: set[str]) -> str:
    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    some = sorted(names, key=rank)
    line = f"from {module} import {', '.join(some)}"
    return line if len(line) <= 120 else f"from {module} import (\n" + "".join(f"    {n},\n" for n in some) + ")"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text("utf-8") == made() else f"{TARGET} is stale; run python .ci/make_aio.py")
    TARGET.write_text(made(), "utf-8")
