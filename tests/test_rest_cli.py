"""`treemem serve`: what it refuses to start with, and what a service that is killed has kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.rest_server import Caller
from treemem import TreeTextMemory
from treemem.service.keys import ServiceKeys


@pytest.mark.parametrize(
    ("arguments", "key", "told"),
    [
        ((), "", "treemem keys make --project default"),
        ((), "short", "at least 16"),
        (("--no-keys",), "k" * 20, "contradict"),
        (("--host", "0.0.0.0"), "k" * 20, "--behind-proxy"),
        (("--host", "0.0.0.0", "--no-keys", "--behind-proxy"), "", "--no-keys"),
        (("--tls-certificate", "a.pem"), "k" * 20, "--tls-key"),
        (("--tls-certificate", "a.pem", "--tls-key", "b.pem", "--port", "0"), "k" * 20, "certificate"),
        (("--project", "a:b", "--no-keys"), "", "project"),
    ],
)
def test_it_does_not_start_open(
    run: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    key: str,
    told: str,
) -> None:
    monkeypatch.setenv("TREEMEM_SERVICE_TOKEN", key)
    monkeypatch.setenv("TREEMEM_SERVICE_KEYS", str(tmp_path / "keys.json"))
    assert told in run("serve", *arguments, code=1).output


def test_it_takes_the_keys_that_were_made(tmp_path: Path) -> None:
    """Each key opens its own project, and one that is revoked opens nothing from then on."""
    kept = ServiceKeys(tmp_path / "keys.json")
    atlas, other = kept.make("atlas", ["read", "write"]), kept.make("other", ["read", "write"])
    command = [sys.executable, "-m", "treemem", "serve", "--port", "0", "--store", str(tmp_path / "m.db")]
    place = {**os.environ, "TREEMEM_SERVICE_KEYS": str(kept.path)}
    place.pop("TREEMEM_SERVICE_TOKEN", None)
    with subprocess.Popen(command, env=place, stderr=subprocess.PIPE, text=True) as served:
        try:
            assert served.stderr is not None
            url = served.stderr.readline().strip()
            Caller(url, atlas.token).add("anna", "My sister keeps bees in Porto.")
            for token, hits in ((atlas.token, 1), (other.token, 0)):
                assert len(Caller(url, token).found("anna", "Who keeps bees?")) == hits
            kept.revoke(atlas.key.id)
            asked = {"user_id": "anna", "query": "Who keeps bees?"}
            Caller(url, atlas.token).refused("search/memory", 40132, 401, **asked)
        finally:
            served.terminate()


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    store = tmp_path / "m.db"
    command = [sys.executable, "-m", "treemem", "serve", "--no-keys", "--port", "0", "--store", str(store)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as served:
        try:
            assert served.stderr is not None
            url = served.stderr.readline().strip()
            Caller(url, "").add("anna", "My sister keeps bees in Porto.")
        finally:
            served.send_signal(signal.SIGKILL)
    with TreeTextMemory.open(store, cube="default", user_id="anna") as memory:
        assert [m.content for m in memory.messages("c")] == ["My sister keeps bees in Porto."]
