"""Files under /memories that a language model reads and writes, each a memory with its history.

The commands and what they answer are those of Anthropic's memory tool, which any model may be given. A path is a text
that is compared with others; nothing on a disk is touched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock, RLock
from typing import Any
from urllib.parse import unquote
from weakref import WeakValueDictionary

from treemem.checks import shown
from treemem.errors import MemoryExistsError, MemoryNotFoundError, NotAllowedError, TreememError
from treemem.filters import FilterLike
from treemem.integrations.keeping import all_of, hide, id_of
from treemem.integrations.talk import in_pieces, of_pieces
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory

ROOT = "/memories"
#: Lines of a file that can be shown, and characters of a path.
_LINES, _LONGEST = 999_999, 1_024
#: Places that are named where a text is not unique.
_MOST_PLACES = 50
#: How many times a path is decoded to see what it may become elsewhere.
_DECODED = 4
_SIZES = "KMG"
#: Of what kind the parameters of commands are that are no texts.
_KINDS: dict[str, type] = {"insert_line": int, "view_range": list}
#: One lock for the files of a cube, whoever edits them in this process.
_LOCKS: WeakValueDictionary[str, RLock] = WeakValueDictionary()
_LOCKING = Lock()


class FileRefused(TreememError):
    """What a command is answered where it cannot be done."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is now: its path and what it says, and the memory that it is."""

    path: str
    text: str
    item: TextualMemoryItem

    @property
    def size(self) -> int:
        return len(self.text.encode())


class MemoryFiles:
    """The six commands over a memory; each returns its answer, or raises FileRefused with the words of the refusal.

    Give a view (`memory.for_caller(user)`) to say whose files they are. A file that is edited or renamed is an update
    with history. One that is deleted is hidden; made again, it is a new memory. Edits of one cube's files in one
    process wait for each other; of two processes that edit one file in the same moment, the later one wins.
    """

    def __init__(self, memory: TreeTextMemory) -> None:
        self.memory = memory
        self._lock = _lock_of(memory.cube_id)

    def run(self, command: Mapping[str, Any]) -> tuple[str, bool]:
        """Do a command as the model sent it; return the answer, and whether it is an error."""
        known: dict[str, tuple[Callable[..., str], tuple[str, ...], tuple[str, ...]]] = {
            "view": (self.view, ("path",), ("view_range",)),
            "create": (self.create, ("path", "file_text"), ()),
            "str_replace": (self.str_replace, ("path", "old_str"), ("new_str",)),
            "insert": (self.insert, ("path", "insert_line", "insert_text"), ()),
            "delete": (self.delete, ("path",), ()),
            "rename": (self.rename, ("old_path", "new_path"), ()),
        }
        name = command.get("command") if isinstance(command, Mapping) else None
        if not isinstance(name, str) or name not in known:
            return f"Error: Unknown command {str(name)[:100]!r}. Use one of {', '.join(known)}.", True
        verb, needed, others = known[name]
        given = {each: command[each] for each in (*needed, *others) if command.get(each) is not None}
        for each in (*needed, *given):
            if type(given.get(each)) is not _KINDS.get(each, str):
                return f"Error: The parameter `{each}` of {name} is missing or of the wrong kind.", True
        try:
            return verb(**given), False
        except FileRefused as refused:
            return str(refused), True
        except TreememError as error:
            return f"Error: {error}", True

    def view(self, path: str, view_range: Sequence[int] | None = None) -> str:
        """Show a directory, two levels deep, or the lines of a file, all or those of a range."""
        path = _checked(path)
        file = None if path == ROOT else self._file(path)
        if file is not None:
            return _shown(file, view_range)
        found = sorted(self._files(), key=self._is_own)  # of two files of one path the own one is shown
        below = {each.path: each for each in found if each.path.startswith(f"{path}/")}
        if not below and path != ROOT:
            raise FileRefused(f"The path {path} does not exist. Please provide a valid path.")
        return _listed(path, list(below.values()))

    def create(self, path: str, file_text: str) -> str:
        """Make a new file; one that is there is left as it is."""
        path = _checked(path)
        _check_text(file_text)
        with self._lock:
            used = self._used(path)  # first: what somebody makes from here on takes the next id
            if path == ROOT or self._is_there(path):
                raise FileRefused(f"Error: File {path} already exists")
            self._no_file_above(path)
            self._add(path, file_text, used)
        return f"File created successfully at: {path}"

    def str_replace(self, path: str, old_str: str, new_str: str = "") -> str:
        """Replace the one place where a file has a text."""
        path = _checked(path)
        _check_text(old_str, new_str)
        with self._lock:
            file = self._needed(path, f"Error: The path {path} does not exist. Please provide a valid path.")
            places = list(islice(_places(file.text, old_str), _MOST_PLACES + 1))
            if not places:
                raise FileRefused(
                    f"No replacement was performed, old_str `{old_str}` did not appear verbatim in {path}."
                )
            if len(places) > 1:
                lines = ", ".join(str(file.text.count("\n", 0, place) + 1) for place in places[:_MOST_PLACES])
                lines += ", ..." if len(places) > _MOST_PLACES else ""
                raise FileRefused(
                    f"No replacement was performed. Multiple occurrences of old_str `{old_str}` in lines: {lines}. "
                    "Please ensure it is unique"
                )
            (place,) = places
            text = file.text[:place] + new_str + file.text[place + len(old_str) :]
            self._write(file.item.id, path, text)
        changed, lines_now = file.text.count("\n", 0, place), text.split("\n")
        first = max(0, changed - 2)
        snippet = _numbered(lines_now[first : changed + 3], first + 1)
        return (
            f"The memory file has been edited. Here is the snippet showing the change (with line numbers):\n{snippet}"
        )

    def insert(self, path: str, insert_line: int, insert_text: str) -> str:
        """Put text behind a line of a file, 0 for its beginning."""
        path = _checked(path)
        _check_text(insert_text)
        with self._lock:
            file = self._needed(path, f"Error: The path {path} does not exist")
            lines = file.text.split("\n")
            if lines[-1] == "":
                lines.pop()
            if type(insert_line) is not int or not 0 <= insert_line <= len(lines):
                raise FileRefused(
                    f"Error: Invalid `insert_line` parameter: {shown(insert_line)}. It should be within the range of "
                    f"lines of the file: [0, {len(lines)}]"
                )
            lines.insert(insert_line, insert_text.rstrip("\n"))
            text = "\n".join(lines)
            self._write(file.item.id, path, text if text.endswith("\n") else f"{text}\n")
        return f"The file {path} has been edited."

    def delete(self, path: str) -> str:
        """Hide a file, or a directory with all below it that the caller may change."""
        path = _checked(path)
        if path == ROOT:
            raise FileRefused(f"Cannot delete the {ROOT} directory itself")
        with self._lock:
            found = self._at_or_below(path)
            if not found:
                raise FileRefused(f"Error: The path {path} does not exist")
            kept = len(found) - self._hide(found)
            if kept == len(found):
                raise FileRefused(f"Error: The path {path} belongs to somebody else")
        return f"Successfully deleted {path}{_but(kept)}"

    def rename(self, old_path: str, new_path: str) -> str:
        """Give a file or a directory another path; nothing that is there is written over."""
        old, new = _checked(old_path), _checked(new_path)
        if old == ROOT:
            raise FileRefused(f"Cannot rename the {ROOT} directory itself")
        with self._lock:
            found = self._at_or_below(old)
            if not found:
                raise FileRefused(f"Error: The path {old} does not exist")
            if new == ROOT or self._is_there(new):
                raise FileRefused(f"Error: The destination {new} already exists")
            if new.startswith(f"{old}/"):
                raise FileRefused(f"Error: The path {old} cannot be moved below itself")
            self._no_file_above(new)
            moved = [(each, new + each.path[len(old) :]) for each in found]
            for _, wanted in moved:
                _checked(wanted)  # before the first one moves
            kept = sum(not self._moved(each, wanted) for each, wanted in moved)
            if kept == len(found):
                raise FileRefused(f"Error: The path {old} belongs to somebody else")
        return f"Successfully renamed {old} to {new}{_but(kept)}"

    def clear(self) -> str:
        """Hide all files; of a caller, its own."""
        with self._lock:
            self._hide([each for each in self._files() if self._is_own(each)])
        return "All memory cleared"

    def _files(self, where: FilterLike | None = None) -> Iterator[_File]:
        for item in all_of(self.memory, where or {"info.memory_file": True}):
            file = _file_of(item)
            if file is not None:
                yield file

    def _file(self, path: str) -> _File | None:
        return max(self._files({"info.file_path": path}), key=self._is_own, default=None)

    def _is_own(self, file: _File) -> bool:
        """Return whether a file is the caller's; whoever opened the memory owns all."""
        user, session = self.memory.user_id, self.memory.session_id
        if user is not None:
            return file.item.metadata.user_id == user
        return session is None or file.item.metadata.session_id == session

    def _hide(self, files: Sequence[_File]) -> int:
        """Hide files but those that are somebody else's; return how many are hidden."""
        try:
            hide(self.memory, [each.item.id for each in files])
        except NotAllowedError:
            return sum(self._hidden(each) for each in files)
        return len(files)

    def _hidden(self, file: _File) -> bool:
        try:
            hide(self.memory, [file.item.id])
        except NotAllowedError:
            return False
        return True

    def _moved(self, file: _File, path: str) -> bool:
        try:
            self._write(file.item.id, path, file.text)
        except NotAllowedError:
            return False
        return True

    def _needed(self, path: str, otherwise: str) -> _File:
        file = self._file(path)
        if file is None:
            raise FileRefused(otherwise)
        return file

    def _at_or_below(self, path: str) -> list[_File]:
        return [each for each in self._files() if each.path == path or each.path.startswith(f"{path}/")]

    def _is_there(self, path: str) -> bool:
        return bool(self._at_or_below(path))

    def _no_file_above(self, path: str) -> None:
        above = path
        while (above := above.rpartition("/")[0]) != ROOT:
            if self._file(above) is not None:
                raise FileRefused(f"Error: The path {above} is a file, not a directory")

    def _add(self, path: str, text: str, number: int) -> None:
        """Add a file under the first free id of those that follow from its owner and path, from `number` on.

        Who makes the same file in the same moment finds the id taken. What once was there is never taken up again:
        somebody else may see it.
        """
        record = _record(path, text)
        while True:
            memory_id = self._id(path, number)
            try:
                self.memory.add(record | {"id": memory_id})
            except MemoryExistsError as error:
                there = self.memory.get_by_ids([memory_id])
                if any(each.metadata.info.get("file_path") == path for each in there):
                    raise FileRefused(f"Error: File {path} already exists") from error
                number += 1  # it was deleted or renamed meanwhile, or erased
            else:
                return

    def _id(self, path: str, number: int) -> str:
        return id_of("file", self.memory.user_id or "", self.memory.session_id or "", path, str(number))

    def _used(self, path: str) -> int:
        """Return how many of a path's ids were used, as far as can be seen; they are used in order."""
        high = 1
        while self._was(path, high - 1):
            high *= 2
        low = high // 2
        while low < high - 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._was(path, middle - 1) else (low, middle)
        return low

    def _was(self, path: str, number: int) -> bool:
        try:
            return bool(self.memory.history(self._id(path, number)))
        except MemoryNotFoundError:
            return False

    def _write(self, memory_id: str, path: str, text: str) -> None:
        record = _record(path, text)
        self.memory.update(memory_id, record["memory"], key=record["key"], info=record["info"])


def _record(path: str, text: str) -> dict[str, Any]:
    """Return what a file is as a memory. A text that is none, or has signs that no memory holds, is kept beside it."""
    name = path.removeprefix(f"{ROOT}/")
    info: dict[str, Any] = {"memory_file": True, "file_path": path, "file_text": None}
    if text.strip() and "\x00" not in text and text.encode("utf-8", "replace").decode() == text:
        return {"memory": text, "key": name, "info": info}
    return {"memory": f"The file {name}", "key": name, "info": {**info, "file_text": in_pieces(text)}}


def _file_of(item: TextualMemoryItem) -> _File | None:
    """Return the file that a memory is; None for one that somebody made to look like one, and has not its shape."""
    info = item.metadata.info
    path, beside = info.get("file_path"), info.get("file_text")
    try:
        if info.get("memory_file") is not True or not isinstance(path, str) or _checked(path) != path or path == ROOT:
            return None
        text = item.memory if beside is None else of_pieces(beside)
    except (FileRefused, TypeError, ValueError, RecursionError):
        return None
    return _File(path, text, item) if isinstance(text, str) and _is_text(text) else None


def _lock_of(cube: str) -> RLock:
    with _LOCKING:
        return _LOCKS.setdefault(cube, RLock())


def _but(kept: int) -> str:
    return f", but for {kept} that belong to somebody else" if kept else ""


def _is_text(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _check_text(*texts: str) -> None:
    for each in texts:
        if not isinstance(each, str):
            raise FileRefused(f"Error: Wanted a text, got: {type(each).__name__}")
    if not all(map(_is_text, texts)):
        raise FileRefused("Error: The text has half characters (surrogates), which no file holds; leave them out")


def _checked(path: str) -> str:
    """Return a path in its one form; refuse what does not lie under /memories, however it is written."""
    if not isinstance(path, str):
        raise FileRefused(f"Error: A path is a text, got: {type(path).__name__}")
    if len(path) > _LONGEST:
        raise FileRefused(f"Error: A path has at most {_LONGEST} characters, got {len(path)}")
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        raise FileRefused(f"Path must start with {ROOT}, got: {path}")
    if _escapes(path):
        raise FileRefused(f"Path {path} would escape {ROOT} directory")
    return "/" + "/".join(part for part in path.split("/") if part)


def _escapes(path: str) -> bool:
    """Return whether a path, or what somebody may decode from it, has steps upwards or signs that end or part paths."""
    for _ in range(_DECODED):
        if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign == "\\" for sign in path):
            return True
        if any(unicodedata.normalize("NFKC", part).strip() in (".", "..") for part in path.split("/")):
            return True
        decoded = unquote(path, errors="replace")
        if decoded.count("/") != path.count("/"):
            return True
        if decoded == path:
            return False
        path = decoded
    return True


def _places(text: str, wanted: str) -> Iterator[int]:
    place = text.find(wanted) if wanted else -1
    while place >= 0:
        yield place
        place = text.find(wanted, place + len(wanted))


def _numbered(lines: Sequence[str], first: int) -> str:
    return "\n".join(f"{number:6d}\t{line}" for number, line in enumerate(lines, first))


def _shown(file: _File, view_range: Sequence[int] | None) -> str:
    lines = file.text.split("\n")
    if len(lines) > _LINES:
        raise FileRefused(f"File {file.path} exceeds maximum line limit of 999,999 lines.")
    first = 1
    if view_range is not None:
        if (
            not isinstance(view_range, Sequence)
            or len(view_range) != 2
            or not all(type(each) is int for each in view_range)
        ):
            raise FileRefused("Error: Invalid `view_range` parameter. It should be a list of two integers.")
        first, last = max(1, view_range[0]), len(lines) if view_range[1] == -1 else view_range[1]
        if first > len(lines) or last < first:
            raise FileRefused(
                f"Error: Invalid `view_range` parameter: {list(view_range)}. It should be within the range of lines of "
                f"the file: [1, {len(lines)}]"
            )
        lines = lines[first - 1 : last]
    return f"Here's the content of {file.path} with line numbers:\n{_numbered(lines, first)}"


def _listed(path: str, files: Sequence[_File]) -> str:
    sizes: dict[str, int] = {path: 0}
    for file in files:
        steps = file.path[len(path) + 1 :].split("/")
        if any(step.startswith(".") or step == "node_modules" for step in steps):
            continue
        sizes[path] += file.size
        for depth in range(1, min(len(steps), 2) + 1):
            shown = "/".join((path, *steps[:depth])) + ("/" if depth < len(steps) else "")
            sizes[shown] = sizes.get(shown, 0) + file.size
    first, *others = sizes
    lines = [f"{_size(sizes[each])}\t{each}" for each in (first, *sorted(others))]
    head = f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden items and node_modules:"
    return "\n".join((head, *lines))


def _size(count: float) -> str:
    if count < 1_024:
        return f"{count:.0f}B"
    for letter in _SIZES:
        count /= 1_024
        if count < 1_024 or letter == _SIZES[-1]:
            break
    return f"{count:.1f}{letter}"
