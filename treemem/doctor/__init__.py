"""Whether a memory can be used: settings, store, model, clock, disk, permissions, tasks. It changes nothing.

Each check ends in a `Finding`, also where something fails: a server that is away is a finding, not an error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from treemem._version import __version__
from treemem.changes import Model
from treemem.config import TreeTextMemoryConfig
from treemem.doctor.extras import extras
from treemem.doctor.finding import Finding, Level, ok, problem, warning
from treemem.errors import EmbedderError, TreememError
from treemem.locations import is_server
from treemem.opening import chosen_embedder, default_path, file_of, open_llm, open_reranker, server_store
from treemem.store.protocol import CubeInfo
from treemem.temporal import SKEW, Clock, format_micros, system_clock, to_micros

if TYPE_CHECKING:
    from treemem.doctor.patient import Patient
    from treemem.models.embedders import Embedder

__all__ = ["Finding", "Level", "examine"]

#: How many failed tasks are looked for, and how many are named.
_MOST, _NAMED = 100, 3


def examine(
    settings: Callable[[], TreeTextMemoryConfig],
    *,
    clock: Clock = system_clock,
    private: Callable[[], Iterable[Path]] = tuple,
) -> list[Finding]:
    """Return what the checks find, in the order in which they are made.

    `private` says which further files only their owner is to read. An embedding model behind a server is asked once.
    """
    version = sys.version_info
    findings = [ok("treemem", f"treemem {__version__}, Python {version.major}.{version.minor}.{version.micro}")]
    config: list[TreeTextMemoryConfig] = []

    def read() -> Iterator[Finding]:
        config.append(settings())
        yield ok("settings", f"cube {config[0].cube}")

    findings += _told("settings", "see docs/configuration.md", read())
    if config:
        findings += _of_settings(config[0], clock)
        findings += _told("keys", "", _private(private))
    return [*findings, *extras()]


def _told(check: str, todo: str, findings: Iterator[Finding]) -> list[Finding]:
    """Return findings, the last of which is the error that ended them, if one did."""
    told: list[Finding] = []
    try:
        for finding in findings:
            told.append(finding)
    except (TreememError, OSError) as error:
        told.append(problem(check, str(error), todo))
    return told


def _of_settings(config: TreeTextMemoryConfig, clock: Clock) -> list[Finding]:
    model: list[Embedder] = []
    findings = _told("model", "name another embedder in the settings, or install what it wants", _model(config, model))
    patients: list[Patient] = []

    def look() -> Iterator[Finding]:
        patients.append(_patient(config))
        yield from patients[0].findings()

    findings += _told("store", "", look())
    for patient in patients:
        try:
            if patient.readable:
                findings += _told("cube", "", _cube(patient, config, model, clock))
        finally:
            patient.close()
    return findings


def _patient(config: TreeTextMemoryConfig) -> Patient:
    location = config.store or str(default_path())
    if is_server(location):
        from treemem.doctor.server import Server

        return Server(server_store(config))
    from treemem.doctor.embedded import EmbeddedFile

    return EmbeddedFile(file_of(location))


def _model(config: TreeTextMemoryConfig, loaded: list[Embedder]) -> Iterator[Finding]:
    """Load the models of the settings, and embed a word; put the embedder into `loaded`."""
    from treemem.models.embedders import embedded_texts

    embedder = chosen_embedder(config.embedder, None)
    width = embedded_texts(embedder, ["Porto"]).shape[1]
    if width != embedder.dimension:
        raise EmbedderError(f"{embedder.name} says that its vectors have {embedder.dimension} dimensions, not {width}")
    loaded.append(embedder)
    yield ok("model", f"{embedder.name} loads, {width} dimensions")
    if config.store is not None and is_server(config.store):
        server_store(config, dimension=width).close()  # refuses vectors that are too long for a server
    llm = open_llm(config.llm)
    if llm is not None:
        yield ok("llm", f"{llm.name} is set; it was not asked")
    reranker = open_reranker(config.reranker, embedder, llm)
    if reranker is not None:
        yield ok("reranker", f"{reranker.name} loads")


def _cube(patient: Patient, config: TreeTextMemoryConfig, model: list[Embedder], clock: Clock) -> Iterator[Finding]:
    info = patient.cube(config.cube)
    if info is None:
        yield ok("cube", f"{config.cube} is empty: nothing was ever written to it")
        return
    if info.loading is not None:
        yield warning(
            "cube",
            f"an archive is being loaded into {config.cube}, or that was cut off; nobody sees it before it is there",
            "run the same treemem import or treemem load again, which goes on",
        )
        return
    yield ok("cube", f"{config.cube}: its newest operation is of {format_micros(info.clock)}")
    yield from _fits(patient, info, model)
    yield from _newest(info, clock)
    failed = patient.failed_tasks(config.cube, _MOST)
    if failed:
        named = "; ".join(f"{task.id} ({task.kind}): {task.reason}" for task in failed[:_NAMED])
        many = f"{len(failed)} tasks" if len(failed) < _MOST else f"{_MOST} tasks and more"
        yield warning("tasks", f"{many} failed: {named}", "treemem tasks --status failed; treemem tasks ID --retry")
    else:
        yield ok("tasks", "none failed")


def _fits(patient: Patient, info: CubeInfo, model: list[Embedder]) -> Iterator[Finding]:
    """Yield whether the cube was embedded with the model of the settings, and whether the indexes take its vectors."""
    if info.model is None:
        return
    other = [
        f"{name} ({length})" for name, length in patient.fixed_dimensions().items() if length != info.model.dimension
    ]
    if other:
        yield problem(
            "indexes",
            f"the cube's vectors have {info.model.dimension} dimensions, others than these indexes take: "
            f"{', '.join(other)}",
            "drop them, delete the (:TreememMigration) nodes, then treemem migrate",
        )
    if not model:
        return
    mine = Model(model[0].name, model[0].dimension)
    if mine == info.model:
        yield ok("model", f"the cube was embedded with it, {mine.dimension} dimensions")
    else:
        yield problem(
            "model",
            f"the cube was embedded with {info.model.name} ({info.model.dimension} dimensions), the settings name "
            f"{mine.name} ({mine.dimension})",
            "name that model in the settings, or treemem reembed",
        )


def _newest(info: CubeInfo, clock: Clock) -> Iterator[Finding]:
    ahead = info.clock - to_micros(clock())
    if ahead > SKEW:
        yield problem(
            "clock",
            f"the newest operation lies {ahead / 1e6:,.0f} seconds in the future of this machine's clock",
            "set this machine's clock; if it is right, somebody wrote with a wrong one, and what was written since "
            "is seen from that time on",
        )
    else:
        yield ok("clock", "not behind the newest operation")


def _private(files: Callable[[], Iterable[Path]]) -> Iterator[Finding]:
    from treemem.doctor.embedded import private_files

    there = [file for file in files() if file.is_file()]
    if there:
        yield from private_files("keys", there)
