"""The files of the embedded store: removed, replaced, copied, private, read-only, on a disk that fails."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder
from treemem import StoreError, StoreFullError, StoreUnavailableError, TreeTextMemory
from treemem.store.sqlite import mark

KILLED = """
import os, sys
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

memory = TreeTextMemory.open(sys.argv[1], embedder=HashEmbedder())
for text in sys.argv[2:]:
    memory.add({"id": text, "memory": text})
os._exit(9)
"""


def opened(path: Path, **settings: Any) -> TreeTextMemory:
    return TreeTextMemory.open(path, embedder=HashEmbedder(), **settings)


def add(memory: TreeTextMemory, *ids: str) -> None:
    for each in ids:
        memory.add({"id": each, "memory": each})


def ids_of(memory: TreeTextMemory) -> list[str]:
    return sorted(item.id for page in memory.pages() for item in page.items)


def in_a_thread(call: Callable[[], Any]) -> Any:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except StoreError as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def killed(path: Path, *ids: str) -> None:
    """A process that adds and ends without a word, so that its log stays."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), *ids], cwd=Path(__file__).parents[1])
    assert ended.returncode == 9
    assert Path(f"{path}-wal").stat().st_size > 0


# removed or replaced while it is open


def remove_all(path: Path) -> None:
    for each in path.parent.glob("a.db*"):
        each.unlink()


def remove_file(path: Path) -> None:
    path.unlink()


def remove_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def remove_shared(path: Path) -> None:
    Path(f"{path}-shm").unlink()


def replace_by_copy(path: Path) -> None:
    shutil.copy(path, f"{path}.copy")
    Path(f"{path}.copy").replace(path)


def move_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [remove_all, remove_file, remove_log, remove_shared, replace_by_copy, move_folder])
def test_a_file_that_goes_away_is_noticed_by_every_call(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "folder" / "a.db"
    memory = opened(path, record_usage=False)
    add(memory, "one")
    assert ids_of(memory) == ["one"]
    harm(path)
    calls: list[Callable[[], Any]] = [
        lambda: add(memory, "two"),
        lambda: memory.delete("one"),
        lambda: ids_of(memory),
        lambda: memory.search("one"),
        memory.stats,
        lambda: add(memory.cube("other"), "two"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailableError, match="was removed"):
            call()
        assert "was removed" in str(in_a_thread(call))
    memory.close()


def test_what_was_acknowledged_is_in_the_file_when_only_its_log_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    memory = opened(path)
    add(memory, "one", "two")
    remove_log(path)
    with pytest.raises(StoreUnavailableError):
        add(memory, "three")
    memory.close()
    with opened(path) as again:
        assert ids_of(again) == ["one", "two"]
        assert again.check() == []


def test_a_file_that_is_replaced_in_the_middle_of_a_write_is_not_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    memory = opened(path)
    add(memory, "one")
    memory.store.migrate()

    def replacing() -> Any:
        Path(shutil.copy(path, tmp_path / "b.db")).replace(path)
        return "late"

    conn, generation = memory.store._database._pool.take()  # type: ignore[attr-defined]
    conn.create_function("now_replaced", 0, replacing)
    conn.execute("CREATE TEMP TRIGGER meanwhile AFTER INSERT ON main.state BEGIN SELECT now_replaced(); END")
    memory.store._database._pool.give(conn, generation)  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailableError, match="removed, or replaced"):
        add(memory, "two")
    memory.close()


def test_a_file_that_is_put_back_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    memory = opened(path)
    add(memory, "one")
    path.rename(tmp_path / "away")
    with pytest.raises(StoreUnavailableError):
        add(memory, "two")
    (tmp_path / "away").rename(path)
    add(memory, "three")
    memory.close()
    with opened(path) as again:
        assert ids_of(again) == ["one", "three"]


def test_the_working_directory_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    memory = opened(Path("a.db"))
    monkeypatch.chdir("/")
    add(memory, "one")
    assert in_a_thread(lambda: ids_of(memory)) == ["one"]
    memory.close()
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]


# a log that is not the file's


@pytest.fixture(params=["another database", "an older copy"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """A file to put in the place of a.db, and what it holds; a.db has changed since by more than its log."""
    path, kept = tmp_path / "a.db", tmp_path / "kept.db"
    if request.param == "another database":
        with opened(kept) as other:
            add(other, "theirs")
        return kept, ["theirs"]
    with opened(path) as memory:
        add(memory, "old")
    shutil.copy(path, kept)
    with opened(path) as memory:
        add(memory, "newer")
    return kept, ["old"]


def put(backup: Path, path: Path, how: str) -> None:
    if how == "moved":
        backup.replace(path)
    elif how == "copied":
        shutil.copy(backup, path)
    else:
        path.unlink()
        shutil.copy(backup, path)


@pytest.mark.parametrize("how", ["moved", "copied", "removed and copied"])
def test_the_log_of_a_killed_memory_is_not_played_over_a_backup(
    tmp_path: Path, backup: tuple[Path, list[str]], how: str
) -> None:
    path = tmp_path / "a.db"
    killed(path, "lost")
    put(backup[0], path, how)
    before = {each: each.read_bytes() for each in tmp_path.glob("a.db*")}
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="is the log of another file") as refused:
            opened(path)
    assert "move" in str(refused.value)
    assert {each: each.read_bytes() for each in tmp_path.glob("a.db*")} == before
    Path(f"{path}-wal").unlink()
    Path(f"{path}-shm").unlink(missing_ok=True)
    with opened(path) as again:
        assert ids_of(again) == backup[1]
        assert again.check() == []


@pytest.mark.parametrize("writes", [True, False])
def test_the_log_of_an_open_memory_is_not_played_over_a_backup(
    tmp_path: Path, backup: tuple[Path, list[str]], writes: bool
) -> None:
    path = tmp_path / "a.db"
    memory = opened(path)
    if writes:
        add(memory, "kept")
    path.rename(tmp_path / "away.db")
    backup[0].replace(path)
    code = f"from tests.test_files import *; opened(Path({str(path)!r}))"
    other = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert "is the log of another file" in other.stderr
    with pytest.raises(StoreUnavailableError, match="is the log of another file"):
        opened(path)
    with pytest.raises(StoreUnavailableError, match="replaced"):
        add(memory, "more")
    memory.close()
    with pytest.raises(StoreUnavailableError, match="is the log of another file"):
        opened(path)
    (tmp_path / "away.db").replace(path)  # nothing acknowledged is lost
    with opened(path) as again:
        assert ("kept" in ids_of(again)) is writes
        assert again.check() == []


def test_the_log_of_a_killed_memory_is_played_back_where_it_belongs(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    killed(path, "one", "two")
    copies = tmp_path / "elsewhere"
    copies.mkdir()
    for each in tmp_path.glob("a.db*"):
        shutil.copy(each, copies)
    killed(path, "three")
    for file, wanted in ((path, ["one", "three", "two"]), (copies / "a.db", ["one", "two"])):
        with opened(file) as again:
            assert ids_of(again) == wanted
            assert again.check() == []


def test_a_row_that_looks_like_a_mark_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    killed(path, "one")
    true = list(mark._of_log(Path(f"{path}-wal")))[-1]
    page = bytearray(4096)
    row = mark._ROW + true.packed()
    page[-len(row) :] = row
    page[0], page[3:5], page[8:10] = 13, b"\0\1", (4096 - len(row)).to_bytes(2, "big")
    assert mark._on_page(bytes(page)) == true
    for place, other in ((0, 5), (4, 2), (9, page[9] - 1)):  # not a leaf, not alone, the end of a longer row
        forged = bytearray(page)
        forged[place] = other
        assert mark._on_page(bytes(forged)) is None


# copies


def test_a_plain_copy_of_an_open_file_says_what_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    with opened(path) as memory:
        add(memory, "one")
        shutil.copy(path, copy)
    with caplog.at_level(logging.WARNING, "treemem"):
        opened(copy).close()
    assert "was open when it was copied" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, "treemem"):
        opened(copy).close()  # it has its own log by now
        shutil.copy(path, copy)
        with opened(copy) as whole:
            assert ids_of(whole) == ["one"]
    assert caplog.text == ""


# read only


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A database in a folder of its own, to be shut."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("needs setpriv, to take the right to write everywhere from a process")
    path = tmp_path / "shut" / "a.db"
    with opened(path) as memory:
        add(memory, "one")
    yield path
    path.parent.chmod(0o755)


def bound(code: str, path: Path) -> list[str]:
    """The command for a process to which the modes of files apply, also where the tests run as root."""
    rights = "-dac_override,-dac_read_search"
    bind = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"] if os.geteuid() == 0 else []
    return [*bind, sys.executable, "-c", "from tests.test_files import *\n" + code, str(path)]


def run_bound(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(bound(code, path), cwd=Path(__file__).parents[1], capture_output=True, text=True)


READS = """
memory = opened(Path(sys.argv[1]))
assert [hit.id for hit in memory.search("one")] == ["one"]
assert [hit.id for hit in memory.search("one")] == ["one"]
assert memory.get("one").memory == "one"
for write in (lambda: add(memory, "two"), lambda: memory.delete("one"), lambda: memory.purge("one")):
    try:
        write()
    except StoreFullError as error:
        assert "read-only" in str(error) and "nothing was written" in str(error), error
    else:
        raise AssertionError("it was written")
memory.close()
"""


@pytest.mark.parametrize("shut", [(0o555, 0o444), (0o755, 0o444), (0o555, 0o644)])
def test_what_may_only_be_read_is_read(read_only: Path, shut: tuple[int, int]) -> None:
    read_only.chmod(shut[1])
    read_only.parent.chmod(shut[0])
    before = read_only.read_bytes()
    ran = run_bound(READS, read_only)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("were not counted") <= 1, ran.stderr
    assert "Traceback" not in ran.stderr
    assert read_only.read_bytes() == before


def test_what_another_process_has_open_is_read(read_only: Path) -> None:
    with opened(read_only) as memory:
        add(memory, "two")
        for each in read_only.parent.iterdir():
            each.chmod(0o444)
        read_only.parent.chmod(0o555)
        ran = run_bound("print(ids_of(opened(Path(sys.argv[1]), record_usage=False)))", read_only)
    assert ran.stdout == "['one', 'two']\n", ran.stderr


def test_a_log_that_cannot_be_read_is_not_ignored(read_only: Path) -> None:
    killed(read_only, "two")
    Path(f"{read_only}-shm").unlink()
    read_only.parent.chmod(0o555)
    ran = run_bound("opened(Path(sys.argv[1]))", read_only)
    assert "what was written last is still in" in ran.stderr
    assert ran.returncode != 0


def test_a_file_read_as_unchanging_is_read_anew_when_it_changes(read_only: Path) -> None:
    read_only.parent.chmod(0o555)
    code = """
memory = opened(Path(sys.argv[1]), record_usage=False)
print(ids_of(memory), len(memory.search("two")), flush=True)
sys.stdin.readline()
print(ids_of(memory), memory.search("two")[0].id)
"""
    process = subprocess.Popen(
        bound(code, read_only),
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "['one'] 1\n"
    read_only.parent.chmod(0o755)
    with opened(read_only) as memory:
        add(memory, "two")
    read_only.parent.chmod(0o555)
    out, _ = process.communicate("\n", timeout=60)
    assert out == "['one', 'two'] two\n"


def test_a_new_file_in_a_read_only_folder_is_refused(read_only: Path) -> None:
    read_only.parent.chmod(0o555)
    ran = run_bound("opened(Path(sys.argv[1]))", read_only.with_name("new.db"))
    assert "its folder is read-only; nothing was written" in ran.stderr


# private


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_files_and_folders_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask & 0o077)
    try:
        path = tmp_path / "made" / "below" / "a.db"
        path.parent.mkdir(parents=True) if umask & 0o700 else None
        os.umask(umask)
        with opened(path) as memory:
            add(memory, "one")
            for each in path.parent.iterdir():
                assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
            if not umask & 0o700:
                assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
                assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_links(tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "real.db", tmp_path / "link.db", tmp_path / "dangling.db"
    with opened(real) as memory:
        add(memory, "one")
    link.symlink_to(real)
    with opened(link) as memory:
        add(memory, "two")
        assert not Path(f"{link}-wal").exists()
    dangling.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreUnavailableError, match="symbolic link"):
        opened(dangling)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("beside", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("exists", [True, False])
def test_no_link_is_followed_beside_the_file(tmp_path: Path, beside: str, exists: bool) -> None:
    path, precious = tmp_path / "a.db", tmp_path / "precious"
    with opened(path) as memory:
        add(memory, "one")
    if exists:
        precious.write_text("precious")
    Path(f"{path}{beside}").symlink_to(precious)
    with pytest.raises(StoreUnavailableError, match="symbolic link"):
        opened(path)
    assert precious.exists() is exists
    assert not exists or precious.read_text() == "precious"


# disks that fail


FAILING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>
static int failing(const char *mode) { const char *m = getenv("FAILING"); return m && !strcmp(m, mode); }
int fsync(int fd) { if (failing("fsync")) { errno = EIO; return -1; }
  return ((int(*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { if (failing("fsync")) { errno = EIO; return -1; }
  return ((int(*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
ssize_t pread64(int fd, void *b, size_t n, off_t o) { if (failing("read")) { errno = EIO; return -1; }
  return ((ssize_t(*)(int, void*, size_t, off_t))dlsym(RTLD_NEXT, "pread64"))(fd, b, n, o); }
ssize_t pwrite64(int fd, const void *b, size_t n, off_t o) { if (failing("full")) { errno = ENOSPC; return -1; }
  if (failing("stale")) { errno = ESTALE; return -1; }
  return ((ssize_t(*)(int, const void*, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64"))(fd, b, n, o); }
"""


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("fsync", StoreUnavailableError, "I/O error"),
        ("read", StoreUnavailableError, "I/O error"),
        ("stale", StoreUnavailableError, "a local disk is needed"),
        ("full", StoreFullError, "no space left"),
    ],
)
def test_a_disk_that_fails_is_told_from_a_full_one(tmp_path: Path, mode: str, kind: type, words: str) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and Linux")
    (tmp_path / "failing.c").write_text(FAILING)
    library = tmp_path / "failing.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "failing.c", "-ldl"], check=True)
    path = tmp_path / "a.db"
    opened(path).close()
    code = f"""
from tests.test_files import *
import os
memory = opened(Path({str(path)!r}), record_usage=False) if {mode!r} != "read" else None
os.environ["FAILING"] = {mode!r}
try:
    memory = memory or opened(Path({str(path)!r}))
    add(memory, "one")
except StoreError as error:
    print(type(error).__name__, error)
os._exit(0)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.startswith(kind.__name__), ran.stdout + ran.stderr
    assert words in ran.stdout
    assert ("no space left" in ran.stdout) is (mode == "full")


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with opened(path) as memory:
        memory.add([f"note {i}" for i in range(300)])
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = b"\xff" * (len(data) - 4096 * 2)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"), opened(path) as again:
        again.search("note")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_purge_that_cannot_be_finished_says_what_is_done_and_a_second_one_finishes_it(small_disk: Path) -> None:
    with opened(small_disk / "m.db", record_usage=False) as memory:
        memory.add([{"id": f"i{n}", "memory": f"QUETZAL{n:03} " + "word " * 150} for n in range(500)])
        filling = small_disk / "filling"
        descriptor = os.open(filling, os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError, match="No space left"):  # noqa: PT012 (which write fails is open)
            while True:
                os.write(descriptor, b"x" * 1024)
        os.close(descriptor)
        os.truncate(filling, filling.stat().st_size - 150_000)
        with pytest.raises(StoreError) as told:
            memory.purge("i5")
        assert "nothing was written" not in str(told.value)
        assert "is erased" in str(told.value)
        assert "i5" not in ids_of(memory)
        filling.unlink()
        memory.purge("i5")
        for each in small_disk.iterdir():
            assert b"quetzal005" not in each.read_bytes().lower()
        assert memory.check() == []


def test_too_many_open_files_are_named(tmp_path: Path) -> None:
    code = f"""
from tests.test_files import *
import resource
opened(Path({str(tmp_path / "a.db")!r})).close()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError:
    pass
try:
    opened(Path({str(tmp_path / "a.db")!r}))
except StoreError as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert "too many open files" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small file system")
def test_a_memory_on_a_full_disk_can_be_read(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with opened(small / "m.db") as memory:
            add(memory, "one")
        with (small / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        with opened(small / "m.db", record_usage=False) as memory:
            assert [hit.id for hit in memory.search("one")] == ["one"]
            with pytest.raises(StoreFullError, match="space left"):
                add(memory, "two")
        (small / "filler").unlink()
        with opened(small / "m.db", record_usage=False) as memory:
            add(memory, "two")
            assert memory.check() == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
