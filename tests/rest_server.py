"""The REST service in a thread of the tests, over real sockets, and a client that knows its envelope."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from treemem.service.access import RIGHTS, Access, FixedKeys

ALL = frozenset(RIGHTS)


def some_keys(project: str) -> FixedKeys:
    """The keys of three projects, and two that only read, and only write, the first."""
    return FixedKeys(
        {
            "key-one": Access(project, ALL),
            "key-two": Access(f"{project}-two", ALL),
            "key-three": Access(f"{project}-three", ALL),
            "key-read": Access(project, frozenset({"read"})),
            "key-write": Access(project, frozenset({"write"})),
        }
    )


@contextmanager
def running(app: Any) -> Iterator[str]:
    """An application served on a free port of 127.0.0.1; gives its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


class Caller:
    """A client of the service that wants envelopes as they were promised."""

    def __init__(self, url: str, key: str = "key-one") -> None:
        self.url = url
        headers = {"Authorization": f"Token {key}"} if key else {}
        self.http = httpx.Client(timeout=60, headers=headers, limits=httpx.Limits(max_keepalive_connections=0))

    def refused(self, path: str, code: int, status: int, /, **body: Any) -> str:
        """Post what is refused with this code and status; return the sentence."""
        answer = self.http.post(f"{self.url}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.json()["data"] is None
        return str(answer.json()["message"])

    def post(self, path: str, /, **body: Any) -> Any:
        """Post what is done, and return the data of the answer."""
        answer = self.http.post(f"{self.url}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        told = answer.json()
        assert (told["code"], told["message"]) == (0, "ok")
        assert told["request_id"] == answer.headers["x-request-id"]
        return told["data"]

    def add(self, user: str, *texts: str, conversation: str = "c", **more: Any) -> str:
        """Add messages of a user, and return the task."""
        messages = [{"role": "user", "content": text} for text in texts]
        data = self.post("add/message", user_id=user, conversation_id=conversation, messages=messages, **more)
        assert data["success"]
        return str(data["task_id"])

    def found(self, user: str, query: str, **more: Any) -> list[str]:
        """The texts of the facts that a search brings."""
        data = self.post("search/memory", user_id=user, query=query, **more)
        return [each["memory_value"] for each in data["memory_detail_list"]]
