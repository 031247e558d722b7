"""The image and the compose file. No engine runs in the tests: what they say is checked, and done without one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from tests.rest_server import Caller
from treemem.config import TreeTextMemoryConfig, from_environment

ROOT = Path(__file__).parents[1]
COMPOSE: Any = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
IMAGE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")

_SECONDS = {"type": "string", "pattern": r"^\d+s$"}
#: The parts of the compose specification that the file uses.
_SERVICE = {
    "type": "object",
    "required": ["image", "volumes", "environment", "ports"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string", "pattern": r"^(neo4j:2026\.09|treemem$)"},
        "build": {"type": "string"},
        "profiles": {"type": "array", "items": {"type": "string"}},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9-]+:/"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "additionalProperties": False,
                "properties": {
                    "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
                },
            },
        },
        "read_only": {"type": "boolean"},
        "tmpfs": {"type": "array", "items": {"type": "string", "pattern": "^/"}},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {
                "test": {"type": "array", "items": {"type": "string"}},
                "interval": _SECONDS,
                "timeout": _SECONDS,
                "start_period": _SECONDS,
                "retries": {"type": "integer"},
            },
        },
    },
}
_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services", "volumes"],
    "properties": {"services": {"type": "object", "additionalProperties": _SERVICE}, "volumes": {"type": "object"}},
}


def instruction(name: str) -> str:
    """Return what the last line of the image's file with this instruction says."""
    return re.findall(rf"^{name} +(.*)$", IMAGE, re.MULTILINE)[-1].strip()


def test_compose_file_keeps_to_the_schema() -> None:
    jsonschema.validate(COMPOSE, _FILE)
    services = COMPOSE["services"]
    named = {v.partition(":")[0] for service in services.values() for v in service["volumes"]}
    assert named == set(COMPOSE["volumes"])
    assert "NEO4J_PASSWORD" in services["neo4j"]["environment"]["NEO4J_AUTH"]
    assert "healthcheck" in services["neo4j"]
    assert set(services["treemem"]["depends_on"]) <= set(services)


def test_the_service_of_the_compose_file_has_settings_that_there_are(monkeypatch: Any) -> None:
    given = {name: re.sub(r"^\$\{.*", "a-secret-of-some-length", v) for name, v in service_environment().items()}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    told = TreeTextMemoryConfig(**from_environment())
    assert (told.store, told.user, told.service.keys) == ("bolt://neo4j:7687", "neo4j", "/data/keys.json")
    assert told.password is not None
    assert told.service.token is not None


def service_environment() -> dict[str, str]:
    """Return what the container of the service is given, as the image sets it and the compose file changes it."""
    image = dict(re.findall(r"(TREEMEM_\w+)=(\S+)", instruction("ENV")))
    return {**image, **COMPOSE["services"]["treemem"]["environment"]}


def test_the_image_runs_as_nobody_special_and_copies_what_there_is() -> None:
    assert instruction("USER") == "10001"
    kept = (ROOT / ".dockerignore").read_text().split()
    for copied in re.findall(r"^COPY (?!--from)(.*)$", IMAGE, re.MULTILINE):
        for name in copied.split()[:-1]:
            assert (ROOT / name).exists()
            assert f"!{name}" in kept


def test_the_image_starts_a_service_that_its_health_check_finds(tmp_path: Path) -> None:
    """The entry point, the command and the health check of the image, on a port of this machine's own."""
    assert json.loads(instruction("ENTRYPOINT")) == ["treemem"]
    command = [sys.executable, "-m", "treemem", *json.loads(instruction("CMD")), "--host", "127.0.0.1", "--port", "0"]
    place = {k: v for k, v in os.environ.items() if not k.startswith("TREEMEM_")}
    for name in re.findall(r"(TREEMEM_\w+)=/data/", instruction("ENV")):
        place[name] = str(tmp_path / name)
    with subprocess.Popen(
        command, env={**place, "TREEMEM_SERVICE_TOKEN": "k" * 20}, stderr=subprocess.PIPE, text=True
    ) as served:
        try:
            assert served.stderr is not None
            url = served.stderr.readline().strip()
            check = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
            assert f":{instruction('EXPOSE')}/ready" in check[-1]
            check = [sys.executable, *check[1:-1], check[-1].replace("http://127.0.0.1:8790", url)]
            subprocess.run(check, check=True, timeout=60)
            Caller(url, "k" * 20).add("anna", "My sister keeps bees in Porto.")
        finally:
            served.terminate()
