"""Keys of a service: what a token opens, two processes at once, files that are not to be trusted, hostile tokens."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from tests.helpers import FakeClock
from treemem.config import TreeTextMemoryConfig
from treemem.errors import ConfigError, InvalidInputError, StoreUnavailableError
from treemem.service.access import Access, Keys
from treemem.service.keys import PREFIX, ServiceKeys, place_of_keys
from treemem.service.locking import locked

Run = Callable[..., Result]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service" / "keys.json"


class Clock:
    """A clock that stands until it is set forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_token_opens_its_project_and_is_not_kept(path: Path) -> None:
    keys: Keys = (made := ServiceKeys(path))
    assert made.list() == []
    assert keys.access("x") is None
    assert not path.exists()
    one = made.make("atlas", ["read", "write"], label="Ann's laptop")
    two = made.make("atlas", "admin")
    assert keys.access(one.token) == Access("atlas", frozenset({"read", "write"}))
    assert keys.access(two.token) == Access("atlas", frozenset({"admin"}))
    assert len({one.token, two.token}) == 2
    assert len(one.token) == len(PREFIX) + 43  # 256 bits
    kept = path.read_text()
    assert one.token not in kept
    assert one.token.removeprefix(PREFIX) not in kept
    assert one.token not in repr(one)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {key.label for key in made.list()} == {"Ann's laptop", ""}


def test_hostile_tokens_open_nothing(path: Path) -> None:
    keys = ServiceKeys(path)
    token = keys.make("atlas", ["read"]).token
    hashed = json.loads(path.read_text())["keys"][0]["hash"]
    others = ["", " ", token[:-1], token + "A", token + "\n", " " + token, token.upper(), "x" * 10_000_000, hashed]
    others += ["é" * 40, token.replace("-", "\u2010"), "\ud800", "\x00" * 50, token + "\x00", PREFIX]
    for each in others:
        assert keys.access(each) is None, each[:60]
    for odd in (None, 3, token.encode(), [token]):
        assert keys.access(odd) is None  # type: ignore[arg-type]
    assert keys.access(token) is not None


def test_expiry_and_rotation_by_the_clock(path: Path) -> None:
    clock = Clock()
    keys = ServiceKeys(path, clock=clock)
    made = keys.make("atlas", ["read"], expires_at=clock.now + timedelta(days=10))
    with pytest.raises(InvalidInputError, match="a time to come"):
        keys.make("atlas", ["read"], expires_at=clock.now)
    second = keys.rotate(made.key.id, grace=timedelta(hours=2))
    assert second.key.id == made.key.id
    assert second.key.rotating_until == clock.now + timedelta(hours=2)
    clock.now += timedelta(hours=1)
    third = keys.rotate(made.key.id, grace=timedelta(hours=5))
    assert all(keys.access(each.token) for each in (made, second, third))
    clock.now += timedelta(hours=1)  # the first one's grace was not made longer
    assert [keys.access(each.token) is not None for each in (made, second, third)] == [False, True, True]
    last = keys.rotate(made.key.id)
    assert [keys.access(each.token) is not None for each in (second, third, last)] == [False, False, True]
    assert len(json.loads(path.read_text())["keys"][0]["former"]) == 0
    clock.now = made.key.expires_at or clock.now
    assert keys.access(last.token) is None
    with pytest.raises(InvalidInputError, match="expired at"):
        keys.rotate(made.key.id)


def test_a_revocation_is_seen_by_others_at_once(path: Path) -> None:
    one, other = ServiceKeys(path), ServiceKeys(path)
    made = one.make("atlas", ["read"])
    assert other.access(made.token) is not None
    revoked = one.revoke(made.key.id)
    assert other.access(made.token) is None
    assert one.revoke(made.key.id) == revoked
    assert other.list()[0].revoked_at == revoked.revoked_at
    for change in (one.rotate, other.rotate):
        with pytest.raises(InvalidInputError, match="was revoked"):
            change(made.key.id)
    with pytest.raises(InvalidInputError, match="no key 'nobody'"):
        one.revoke("nobody")
    path.unlink()
    assert other.list() == []


WRITER = """
import sys
from pathlib import Path
from treemem.service.keys import ServiceKeys
keys = ServiceKeys(Path(sys.argv[1]))
for n in range(15):
    made = keys.make(sys.argv[2], ["read"], label=str(n))
    if n % 5 == 0:
        keys.revoke(made.key.id)
    elif n % 5 == 1:
        keys.rotate(made.key.id)
"""


def test_two_processes_lose_nothing(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*arguments, name], env=environment) for name in ("a", "b")]
    keys, seen, stop = ServiceKeys(path), [], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(len(keys.list()))  # never half a file

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert [each.wait(60) for each in writers] == [0, 0]
    finally:
        stop.set()
        watcher.join()
    found = keys.list()
    for name in ("a", "b"):
        own = [key for key in found if key.project == name]
        assert {key.label for key in own} == {str(n) for n in range(15)}
        assert sum(key.revoked_at is not None for key in own) == 3
    assert seen == sorted(seen)
    assert {each.name for each in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_who_holds_the_lock_is_waited_for(path: Path) -> None:
    keys = ServiceKeys(path)
    keys.make("atlas", ["read"])
    lock = path.with_name("keys.json.lock")
    with locked(lock), pytest.raises(StoreUnavailableError, match="has held this lock"), locked(lock, timeout=0.05):
        pass
    keys.make("atlas", ["read"])


def entry(**changed: object) -> dict[str, object]:
    made = {"id": "a", "project": "atlas", "rights": ["read"], "made_at": "2026-01-01T00:00:00+00:00"}
    return {key: value for key, value in {**made, "hash": "0" * 64, **changed}.items() if value is not ...}


DAMAGED = {
    "nothing": b"",
    "cut": b'{"version": 1, "keys": [',
    "no UTF-8": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "no version": b'{"keys": []}',
    "a later version": b'{"version": 2, "keys": []}',
    **{
        name: json.dumps({"version": 1, "keys": each}).encode()
        for name, each in {
            "no object": [3],
            "two of one id": [entry(), entry()],
            "no rights": [entry(rights=[])],
            "unknown right": [entry(rights=["read", "all"])],
            "odd project": [entry(project="a b")],
            "no hash": [entry(hash=...)],
            "a token as hash": [entry(hash="treemem-x")],
            "capitals": [entry(hash="A" * 64)],
            "local time": [entry(expires_at="2026-01-01T00:00:00")],
            "no time": [entry(expires_at=3)],
            "a former one for ever": [entry(former=[{"hash": "1" * 64}])],
            "former is no list": [entry(former="x")],
        }.items()
    },
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_lets_nobody_in(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    keys = ServiceKeys(path)
    token = keys.make("atlas", ["read"]).token
    good = path.read_bytes()
    path.write_bytes(content)
    assert keys.access(token) is None
    assert keys.access(token) is None
    assert len(caplog.records) == 1  # told once
    for refused in (keys.list, lambda: keys.make("atlas", ["read"]), lambda: keys.revoke("a")):
        with pytest.raises(ConfigError, match="is damaged"):
            refused()
    assert path.read_bytes() == content
    path.write_bytes(good)
    assert keys.access(token) is not None


def test_files_that_are_not_to_be_trusted(path: Path, tmp_path: Path) -> None:
    keys = ServiceKeys(path)
    token = keys.make("atlas", ["read"]).token
    path.chmod(0o666)
    assert keys.access(token) is None
    with pytest.raises(ConfigError, match="others may write"):
        keys.make("atlas", ["read"])
    path.chmod(0o600)
    elsewhere = tmp_path / "elsewhere.json"
    path.replace(elsewhere)
    before = elsewhere.read_bytes()
    path.symlink_to(elsewhere)
    assert keys.access(token) is None
    with pytest.raises(ConfigError, match="symbolic link"):
        keys.make("atlas", ["read"])
    path.unlink()
    path.mkdir()
    assert keys.access(token) is None
    with pytest.raises(ConfigError, match="is no file"):
        keys.list()
    path.rmdir()
    lock = path.with_name("keys.json.lock")
    lock.unlink()
    lock.symlink_to(tmp_path / "made")
    with pytest.raises(InvalidInputError, match="symbolic link"):
        keys.make("atlas", ["read"])
    assert not (tmp_path / "made").exists()
    assert elsewhere.read_bytes() == before


def test_what_is_not_known_survives(path: Path) -> None:
    keys = ServiceKeys(path)
    made = keys.make("atlas", ["read"])
    data = json.loads(path.read_text())
    data |= {"note": "mine"}
    data["keys"][0]["color"] = {"é": 1}
    path.write_text(json.dumps(data))
    keys.make("other", ["read"])
    keys.rotate(made.key.id)
    keys.revoke(made.key.id)
    data = json.loads(path.read_text())
    assert data["note"] == "mine"
    assert data["keys"][0]["color"] == {"é": 1}


@pytest.mark.parametrize(
    ("project", "rights", "label"),
    [
        ("", ["read"], ""),
        ("..", ["read"], ""),
        ("a b", ["read"], ""),
        ("a" * 129, ["read"], ""),
        ("a", [], ""),
        ("a", ["all"], ""),
        ("a", ["read"], "x" * 201),
    ],
)
def test_odd_keys_are_refused(path: Path, project: str, rights: list[str], label: str) -> None:
    with pytest.raises(InvalidInputError):
        ServiceKeys(path).make(project, rights, label=label)
    assert not path.exists()


def test_where_the_keys_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of_keys(TreeTextMemoryConfig(store=str(tmp_path / "m.db"))) == tmp_path / "keys.json"
    assert place_of_keys(TreeTextMemoryConfig(store="neo4j://h:7687")).name == "keys.json"
    monkeypatch.setenv("TREEMEM_SERVICE_KEYS", str(tmp_path / "k"))
    assert place_of_keys(TreeTextMemoryConfig.of({})) == tmp_path / "k"


def test_the_commands(run: Run, tmp_path: Path) -> None:
    shown = run("keys", "make", "--project", "atlas", "--label", "Ann\x1b[31m", "--expires", "2099-01-01")
    token = shown.stdout.strip()
    keys = ServiceKeys(tmp_path / "keys.json", clock=FakeClock())
    assert keys.access(token) == Access("atlas", frozenset({"read", "write"}))
    assert "not shown again" in shown.stderr
    (listed,) = json.loads(run("keys", "list", "--json").stdout)
    assert (listed["project"], listed["rights"], listed["state"]) == ("atlas", ["read", "write"], "valid")
    assert token not in run("keys", "list").stdout
    rotated = json.loads(run("keys", "rotate", listed["id"], "--grace", "3600", "--json").stdout)
    assert keys.access(token)
    assert keys.access(rotated["token"])
    assert "the former token until" in run("keys", "list").stdout
    assert "opens nothing any more" in run("keys", "revoke", listed["id"]).stdout
    assert keys.access(rotated["token"]) is None
    assert "revoked" in run("keys", "list").stdout
    assert "was revoked" in run("keys", "rotate", listed["id"], code=1).output
    assert "wanted some of" in run("keys", "make", "--project", "a", "--right", "all", code=1).output
    run("keys", "rotate", listed["id"], "--grace", "-1", code=2)
    run("keys", "make", code=2)
    (tmp_path / "keys.json").chmod(0o644)
    assert "chmod 600" in run("doctor", code=1).stdout
    (tmp_path / "keys.json").write_text("{")
    assert "is damaged" in json.loads(run("keys", "list", "--json", code=1).stdout)["error"]
    assert "no keys" in run("keys", "list", "--file", str(tmp_path / "none.json")).stdout
