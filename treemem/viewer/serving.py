"""The server of the page: one address of this machine, one token for this start."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from treemem.checks import shown
from treemem.errors import ConfigError, InvalidInputError
from treemem.keywords import checked_names
from treemem.listening import listening, server_settings
from treemem.memory import TreeTextMemory

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
#: Where `treemem view` listens unless it is told otherwise.
PORT = 8787
#: Seconds that requests in progress have to end when the viewer is closed.
_GRACE = 2
#: How many connections are answered at once; more are told to come later (503).
_MOST_AT_ONCE = 100


@checked_names
class Viewer:
    """The page on a memory, served in the background on 127.0.0.1 until it is closed; use it as a context manager.

    With `port=0` the system chooses a free one. The page changes nothing unless `write` is set; whoever has the
    `url`, which holds a token, sees all that the memory sees: bind it with `memory.for_caller(...)` where that is too
    much. The memory stays open. Raises ConfigError if the port is taken or the extra `view` is not installed.
    """

    def __init__(self, memory: TreeTextMemory, *, port: int = PORT, write: bool = False) -> None:
        if type(port) is not int or not 0 <= port < 1 << 16:
            raise InvalidInputError(f"port: wanted a number from 0 to 65535, found {shown(port)}")
        self._token = secrets.token_urlsafe(32)
        self._socket = listening(HOST, port)
        self.port: int = self._socket.getsockname()[1]
        try:
            self._server = self._made(memory, write)
        except BaseException:
            self._socket.close()
            raise
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="treemem-view", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        if not self._server.started:
            self._socket.close()
            raise ConfigError(f"the viewer could not be started on port {self.port}; update uvicorn and starlette")

    @property
    def url(self) -> str:
        """The address to open, with the token behind `#`, where no server and no other page sees it."""
        return f"http://{HOST}:{self.port}/#token={self._token}"

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the viewer ends, at most so many seconds."""
        # Not by join: before Python 3.13, one that Control-C interrupts counts the thread as ended while it runs.
        self._ended.wait(seconds)

    def close(self) -> None:
        """End the server. Closing twice is once."""
        self._server.should_exit = True
        self._thread.join(_GRACE + 5)
        self._socket.close()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._server.run([self._socket])
        finally:
            self._ended.set()

    def _made(self, memory: TreeTextMemory, write: bool) -> uvicorn.Server:
        try:
            import starlette  # noqa: F401
            import uvicorn
        except ImportError as error:
            raise ConfigError("the viewer wants two packages: pip install 'treemem[view]'") from error
        from treemem.viewer.guards import Guard
        from treemem.viewer.routes import Routes

        hosts = frozenset({f"{HOST}:{self.port}", f"localhost:{self.port}"})
        app: Any = Guard(Routes(memory, write=write).app(), token=self._token, hosts=hosts, write=write)
        settings = server_settings(app, grace=_GRACE, connections=_MOST_AT_ONCE, lifespan="off", log_level="critical")
        return uvicorn.Server(settings)


def serve(
    memory: TreeTextMemory,
    *,
    port: int = PORT,
    write: bool = False,
    open_browser: bool = True,
    say: Callable[[str], None] | None = None,
) -> None:
    """Serve the page on a memory until Control-C, and open it in the browser. `say` is given its address.

    Raises ConfigError if the port is taken or the extra `view` is not installed.
    """
    with contextlib.ExitStack() as stack:
        viewer = stack.enter_context(Viewer(memory, port=port, write=write))
        if say is not None:
            say(viewer.url)
        if open_browser:
            stack.enter_context(_opened(viewer.url))
        try:
            while True:
                viewer.wait(3600.0)
        except KeyboardInterrupt:
            return


@contextlib.contextmanager
def _opened(url: str) -> Iterator[None]:
    """Open the browser on a file of this user's alone, which leads to the page: others see what a process was called
    with, and so would see the token. The file goes when the viewer ends.
    """
    with tempfile.TemporaryDirectory(prefix="treemem-view-") as folder:
        file = Path(folder) / "open.html"
        file.touch(mode=0o600)
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={url}"><a href="{url}">treemem</a>')
        webbrowser.open(file.as_uri())
        yield
