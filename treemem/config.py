"""Where a memory lives, who calls, and which model it uses: arguments, files, environment, in this order."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from treemem.errors import ConfigError, InvalidInputError
from treemem.items import CAPACITY, MEMORY_TYPES
from treemem.locations import checked_location, is_address, is_secret
from treemem.memos_settings import translated
from treemem.queued import MOST_WAITING
from treemem.zones import zone_of

S = TypeVar("S", bound=BaseModel)
#: Settings whose value an error may repeat: numbers and choices, nothing that could be a secret in the wrong place.
_PLAIN = frozenset(
    {"timeout", "cache_bytes", "record_usage", "note_preferences", "note_tools", "capacity", "kind", "dimension"}
)
_PLAIN |= {
    "confirm_readings",
    "batch_size",
    "provider",
    "waiting",
    "attempts",
    "keep_days",
    "tokens_per_day",
    "cost_per_day",
}


class _Section(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)

    #: What stands before the names of its settings.
    section: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        return _with_known_names(cls, data, f"{cls.section}.")


class _Model(_Section):
    """A model as the settings name it."""

    model: str | None = None


class _Served(_Model):
    """A model that may be behind an HTTP interface."""

    base_url: str | None = None
    api_key: SecretStr | None = Field(default=None, repr=False)

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, url: str | None) -> str | None:
        where = f"{cls.section}.base_url"
        try:
            parts = urlsplit(url or "")
            secret = "@" in parts.netloc or any(is_secret(name) for name, _ in parse_qsl(parts.query))
        except ValueError:
            raise ValueError(f"{where}: wanted a URL such as http://localhost:11434/v1") from None
        if secret:
            raise ValueError(f"{where}: holds a password or a key; pass it as api_key")
        return url


#: Money for a million tokens.
Price = Annotated[float, Field(ge=0, le=1e9)]


class LLMConfig(_Served):
    """A chat model by provider: `openai` (any server that speaks its protocol, `OpenAILLM`), `ollama`, `vllm`, `azure`
    (`AzureOpenAILLM`, whose `model` is the deployment) or `anthropic` (`AnthropicLLM`), with these settings.

    Where no `base_url` is given it is the provider's own, of `ollama` and `vllm` the usual one on this machine. Keys
    come from `api_key` or the provider's variable: OPENAI_API_KEY, AZURE_OPENAI_API_KEY, ANTHROPIC_API_KEY. `prices`
    are those of a million tokens of input, of output, and of cached input if it has its own; `cost_per_day` counts so.
    """

    section: ClassVar[str] = "llm"

    provider: Literal["openai", "ollama", "vllm", "azure", "anthropic"] = "openai"
    api_version: str | None = None
    timeout: float = Field(default=60.0, gt=0, le=3_600)
    deadline: float = Field(default=600.0, gt=0, le=86_400)
    max_retries: int = Field(default=3, ge=0, le=100)
    max_parallel: int = Field(default=4, ge=1, le=1_000)
    structured: Literal["auto", "json_schema", "json_object", "tool"] = "auto"
    reasoning_effort: str | None = None
    prices: tuple[Price, Price] | tuple[Price, Price, Price] = (0.0, 0.0)


class RerankerConfig(_Served):
    """What orders the best hits of a search: `cosine` by the cube's own model, a `cross-encoder` of
    sentence-transformers or one of `fastembed` by its `model`, the `llm` of the settings, or a `model` behind a server
    that speaks as Cohere's does: `server` at its `base_url`, or `cohere`, `jina`, `voyage` with their key.
    """

    section: ClassVar[str] = "reranker"

    kind: Literal["cosine", "cross-encoder", "fastembed", "llm", "server", "cohere", "jina", "voyage"]
    timeout: float = Field(default=10.0, gt=0, le=3_600)


class EmbedderConfig(_Served):
    """An embedding model by kind: `minilm` (carried), `multilingual` (of that extra), `fastembed`,
    `sentence-transformers`, `ollama`, or `openai` (any compatible server).

    `dimension` is needed for `openai`; the key comes from `api_key` or OPENAI_API_KEY. Ollama is asked for it.
    """

    section: ClassVar[str] = "embedder"

    kind: Literal["minilm", "multilingual", "fastembed", "sentence-transformers", "ollama", "openai"] = "minilm"
    dimension: int | None = Field(default=None, ge=1, le=65_536)
    batch_size: int | None = Field(default=None, ge=1, le=10_000)
    timeout: float = Field(default=30.0, gt=0, le=3_600)


class TasksConfig(_Section):
    """What is done later: how many tasks of a cube wait at most, after how many attempts one fails for good, and for
    how many days one that ended can be asked for.

    `tokens_per_day` and `cost_per_day` are what the tasks of a cube may take of language models a day (in UTC), the
    latter in the unit of the model's prices. Without them they take what they need.
    """

    section: ClassVar[str] = "tasks"

    waiting: int = Field(default=MOST_WAITING, ge=1, le=10_000_000)
    attempts: int = Field(default=10, ge=1, le=1_000)
    keep_days: int = Field(default=30, ge=0, le=36_500)
    tokens_per_day: int | None = Field(default=None, ge=0)
    cost_per_day: float | None = Field(default=None, ge=0)


class ServiceConfig(_Section):
    """What services need beside a memory: `keys` is the file with the keys of their clients (`treemem keys`), `token`
    the one key of a service that has no such file.
    """

    section: ClassVar[str] = "service"

    keys: str | None = None
    token: SecretStr | None = Field(default=None, repr=False)

    @field_validator("keys")
    @classmethod
    def _a_path(cls, keys: str | None) -> str | None:
        if keys is not None and (not keys.strip() or "\x00" in keys):
            raise ValueError("service.keys: wanted the path of a file")
        return keys


class TreeTextMemoryConfig(BaseModel):
    """Settings of a memory. What is left out comes from the environment: TREEMEM_STORE, TREEMEM_CUBE, and so on.

    `store` is a path for the embedded store or a Neo4j URI (`neo4j+s://` for TLS with a trusted certificate). What a
    URI says of user, password and database is taken for these settings and out of it. `trusted_certificates` is a PEM
    file for servers with a certificate of their own. `timeout` is in seconds.
    `user_id` and `session_id` say who calls: reads then show what that caller may see, and what is added is theirs.
    With `record_usage` searches count what they return, some seconds later, beside the versioned states: the
    reorganizer keeps what is of use. Without it reading writes nothing. With `note_preferences` what users state that
    they prefer becomes memories of its own while their messages are added, with `note_tools` calls of tools with their
    results do. With `confirm_readings` a language model that reads is asked, too, whether that is known already.
    `capacity` is how many memories of a type the reorganizer leaves active; the least valuable ones beyond are
    archived; without a bound for a type none is. `zone` is the IANA name of the zone in which times without one are
    read, and the days and weeks of questions; by default the machine's.
    With `reorganize` a worker of this memory tidies its cube in the background while it is open. `tasks` bounds what is
    done later. `service` is for services over memories.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)

    store: str | None = None
    cube: str = "default"
    user: str | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    database: str | None = None
    trusted_certificates: str | None = None
    timeout: float = Field(default=30.0, gt=0, le=3_600)
    cache_bytes: int = Field(default=1 << 30, gt=0)
    actor: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    record_usage: bool = True
    note_preferences: bool = True
    note_tools: bool = True
    confirm_readings: bool = False
    zone: str | None = None
    capacity: dict[str, NonNegativeInt] = Field(default_factory=lambda: dict(CAPACITY))
    embedder: EmbedderConfig = Field(default_factory=EmbedderConfig)
    llm: LLMConfig | None = None
    reranker: RerankerConfig | None = None
    reorganize: bool = False
    tasks: TasksConfig = Field(default_factory=TasksConfig)
    service: ServiceConfig = Field(default_factory=ServiceConfig)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        return _located(_with_known_names(cls, data))

    @field_validator("zone")
    @classmethod
    def _of_the_database(cls, zone: str | None) -> str | None:
        try:
            zone_of(zone)
        except InvalidInputError as error:
            raise ValueError(str(error)) from None
        return zone

    @field_validator("capacity")
    @classmethod
    def _of_types(cls, capacity: dict[str, int]) -> dict[str, int]:
        unknown = sorted(capacity.keys() - set(MEMORY_TYPES))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no memory type; wanted some of {', '.join(MEMORY_TYPES)}")
        return capacity

    @classmethod
    def from_file(cls, path: str | Path) -> TreeTextMemoryConfig:
        """Return the settings in a TOML, JSON or YAML file, ours or of the original.

        What the file leaves out comes from the environment. Raises ConfigError, InvalidInputError.
        """
        return layered(from_environment(), file_settings(path))

    @classmethod
    def from_json_file(cls, path: str | Path) -> TreeTextMemoryConfig:
        """Return the settings in a JSON file, as `from_file` does."""
        return cls.from_file(path)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> TreeTextMemoryConfig:
        """Return settings from a mapping, ours or of the original, completed from the environment."""
        return layered(from_environment(), translated(data))


def layered(*layers: Mapping[str, Any]) -> TreeTextMemoryConfig:
    """Return settings from several sources, the later ones first; None counts as not given.

    Each source is read by itself, so that the database in one's URI does not contradict another's. Raises
    InvalidInputError, ConfigError; what they say holds no secret.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in _located({name: value for name, value in layer.items() if value is not None}).items():
            both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping) and name in _SECTIONS
            merged[name] = {**merged[name], **value} if both else value
    return _checked(TreeTextMemoryConfig, merged)


#: Environment variables and the setting each stands for.
ENVIRONMENT = {
    "TREEMEM_STORE": "store",
    "TREEMEM_CUBE": "cube",
    "TREEMEM_NEO4J_USER": "user",
    "TREEMEM_NEO4J_PASSWORD": "password",
    "TREEMEM_NEO4J_DATABASE": "database",
    "TREEMEM_NEO4J_CERTIFICATES": "trusted_certificates",
    "TREEMEM_TIMEOUT": "timeout",
    "TREEMEM_ACTOR": "actor",
    "TREEMEM_USER_ID": "user_id",
    "TREEMEM_SESSION_ID": "session_id",
    "TREEMEM_RECORD_USAGE": "record_usage",
    "TREEMEM_NOTE_PREFERENCES": "note_preferences",
    "TREEMEM_NOTE_TOOLS": "note_tools",
    "TREEMEM_CONFIRM_READINGS": "confirm_readings",
    "TREEMEM_ZONE": "zone",
    "TREEMEM_REORGANIZE": "reorganize",
}
#: The ones that say who calls: one that is misspelt would leave out a wall.
_CALLER = ("TREEMEM_USER_ID", "TREEMEM_SESSION_ID")
#: The sections whose settings can stand in the environment, as TREEMEM_LLM_MODEL does.
_PARTS: tuple[type[_Section], ...] = (EmbedderConfig, LLMConfig, RerankerConfig, TasksConfig, ServiceConfig)
_SECTIONS = frozenset(each.section for each in _PARTS)


def from_environment() -> dict[str, Any]:
    """Return the settings that the environment gives; empty variables count as not given."""
    for name in os.environ:
        unknown = name.startswith("TREEMEM_") and name not in ENVIRONMENT
        if unknown and (close := difflib.get_close_matches(name[:60], _CALLER, 1, 0.85)):
            raise ConfigError(f"{name}: there is no such setting; did you mean {close[0]}?")
    found: dict[str, Any] = {setting: os.environ[name] for name, setting in ENVIRONMENT.items() if os.environ.get(name)}
    for section in _PARTS:
        start = f"TREEMEM_{section.section.upper()}_"
        given = {name: value for name, value in os.environ.items() if name.startswith(start) and value}
        known = [start + setting.upper() for setting in section.model_fields]
        settings: dict[str, str] = {}
        for name, value in given.items():
            plain = start + name.removeprefix(start).removeprefix("_")  # TREEMEM_LLM__MODEL is TREEMEM_LLM_MODEL
            if plain not in known:
                raise ConfigError(f"{name}: there is no such setting{_nearest(name, known)}")
            if settings.setdefault(plain.removeprefix(start).lower(), value) != value:
                raise ConfigError(f"{plain}: says something else than {plain.replace(start, start + '_')}; unset one")
        if settings:
            found[section.section] = settings
    return found


def file_settings(where: str | Path) -> Mapping[str, Any]:
    """Return our settings from a TOML, JSON or YAML file; raises ConfigError, which repeats nothing of the file."""
    path = Path(where)
    if is_address(str(where)):
        raise ConfigError("config: wanted a file, found what is meant for a server, and is not shown")
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    try:
        data = _parsed(text, path.suffix.lower())
    except ValueError as error:
        raise ConfigError(f"{path}: no {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deep for settings") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: wanted an object with settings, found {type(data).__name__}")
    return translated(data)


def _parsed(text: str, suffix: str) -> Any:
    """Return what a file says, or raise ValueError with its language and what is wrong."""
    if suffix in (".yaml", ".yml"):
        try:
            import yaml
        except ImportError as error:
            raise ConfigError("YAML is read with PyYAML; pip install 'treemem[yaml]', or write TOML or JSON") from error
        try:
            return yaml.safe_load(text)
        except RecursionError:
            raise
        except Exception as error:  # of a value that its tag does not fit, whose words may be secret
            mark = getattr(error, "problem_mark", None)
            raise ValueError("YAML" + ("" if mark is None else f" (line {mark.line + 1})")) from None
    try:
        return tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise ValueError(f"{'TOML' if suffix == '.toml' else 'JSON'} ({error})") from None


def _as_a_name(name: object) -> str:
    """Return the name of a setting, or how long it is where no setting could have it: it may be a value."""
    text = str(name)
    plain = len(text) <= 60 and text.isascii() and text.replace("_", "").isalnum() and text == text.lower()
    return text if plain else f"a name of {len(text)} characters"


def _with_known_names(model: type[BaseModel], data: Any, where: str = "") -> Any:
    """Return settings as they are, or raise InvalidInputError for one that does not exist, without its value."""
    if isinstance(data, Mapping):
        for name in data:
            if name not in model.model_fields:
                near = _nearest(str(name), model.model_fields, where)
                raise InvalidInputError(f"{where}{_as_a_name(name)}: there is no such setting{near}")
    return data


def _nearest(name: str, known: Iterable[str], where: str = "") -> str:
    """Return what somebody who wrote `name` may have meant."""
    names = sorted(known)
    plain = {each.replace("_", "").lower(): each for each in names}
    close = difflib.get_close_matches(name.replace("_", "").replace("-", "").lower()[:60], plain, 1, 0.6)
    return f"; did you mean {where}{plain[close[0]]}?" if close else f"; wanted one of {', '.join(names)}"


def _located(data: Any) -> Any:
    """Return settings whose `store` holds a bare location; what its URI said beside it becomes settings."""
    if not isinstance(data, Mapping) or not isinstance(data.get("store"), str):
        return data
    found = checked_location(data["store"])
    for name in ("user", "password", "database"):
        if name in found and data.get(name) is not None and _bare(data[name]) != found[name]:
            raise ConfigError(f"store: the URI names one {name}, and {name}= another; leave one of them out")
    return {**data, **found}


def _bare(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _checked(model: type[S], data: Mapping[str, Any]) -> S:
    """Return settings, or raise InvalidInputError that says what was wanted and repeats no value that may be secret."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        told = "; ".join(_wrong(each) for each in error.errors()[:5])
    raise InvalidInputError(told)


def _wrong(error: Any) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    place = [str(part) for part in error["loc"]]
    shown = f", found {error['input']!r:.60}" if place[0] in _PLAIN or place[-1] in _PLAIN else ""
    return f"{'.'.join(place) or 'settings'}: {error['msg']}{shown}"


def from_arguments(settings: Mapping[str, Any]) -> TreeTextMemoryConfig:
    """Return the configuration that arguments describe, completed from the environment."""
    given = dict(settings)
    if isinstance(given.get("store"), Path):
        path = given["store"]
        if ":/" in str(path) and is_address(str(path)):
            raise ConfigError("store: wanted a path, found what is meant for a server; give a URI as text")
        given["store"] = str(path) if path.is_absolute() or str(path).startswith("~") else f".{os.sep}{path}"
    return layered(from_environment(), given)
