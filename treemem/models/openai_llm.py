"""Language models at servers that speak OpenAI's protocol: OpenAI, Azure, Ollama, vLLM and others (extra `openai`)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from treemem.checks import shown
from treemem.errors import LLMError
from treemem.keywords import checked_names
from treemem.models.failures import answered, said
from treemem.models.faults import Fault, cut_off, fault_of, timed_out, without_key
from treemem.models.openai_dialect import AUTO, OBJECT, SCHEMA, STRICT, TOOL, OpenAIDialect, OpenAIManners
from treemem.models.served import DEADLINE, ServedLLM
from treemem.models.wire import bounded_refusals, certificates, checked_url, http_library

#: How a schema is sent: found out, or in one way alone.
Structured = Literal["auto", "json_schema", "json_object", "tool"]
STRUCTURED: dict[str, tuple[str, ...]] = {
    "auto": AUTO,
    "json_schema": (STRICT, SCHEMA),
    "json_object": (OBJECT,),
    "tool": (TOOL,),
}
#: What a deployment at Azure may be called; the name becomes part of an address.
_DEPLOYMENT = re.compile(r"[A-Za-z0-9._-]{1,64}")


class _OpenAIWire:
    """The way through a client of the openai package, which sends each request once."""

    def __init__(self, client: Any, library: Any) -> None:
        self._client = client
        self._library = library

    @contextmanager
    def send(self, body: dict[str, Any], timeout: float) -> Iterator[Iterator[bytes]]:
        """Yield the answer's pieces. Raises Fault."""
        import openai

        create = self._client.chat.completions.with_streaming_response.create
        more = {name: value for name, value in body.items() if name not in ("model", "messages", "stream")}
        named = {name: value for name, value in body.items() if name in ("model", "messages", "stream")}
        opening = create(**named, extra_body=more, timeout=timeout)
        try:
            response = opening.__enter__()
        except openai.OpenAIError as error:
            raise fault_of(error, self._client.api_key) from error
        except (ValueError, TypeError) as error:
            raise Fault(f"the request cannot be sent ({said(error)})", "input") from error
        try:
            yield self._pieces(response)
        finally:
            opening.__exit__(None, None, None)

    def _pieces(self, response: Any) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except self._library.TimeoutException as error:
            raise timed_out() from error
        except (self._library.RequestError, self._library.StreamError) as error:
            raise cut_off(error, self._client.api_key) from error

    def hidden(self, text: str) -> str:
        """Return a text without the key."""
        return without_key(text, self._client.api_key)


@checked_names
class OpenAILLM(ServedLLM):
    """A chat model behind an OpenAI-compatible HTTP interface (extra `openai`): OpenAI, Ollama, vLLM and others.

    Answers 408, 409, 429 and 5xx, lost and cut connections are tried again `max_retries` times, with growing pauses or
    those that the server asks for (up to a minute). A server may be silent for `timeout` seconds; an answer takes at
    most `deadline` seconds in all, and 10 MB. An answer that does not fit the schema is asked for again, with what was
    wrong, until `attempts` are used up. At most `max_parallel` requests run at a time. `prices` are (input, output),
    or (input, output, cached input), a million tokens. The key comes from `api_key` or OPENAI_API_KEY. Thread-safe.

    `structured` says how the schema is sent: as `json_schema` (in strict mode where it can be said there), as
    `json_object` with the schema in words, or as a `tool` that has to be called; `auto` tries them in this order.
    Answers are limited by `max_tokens` at temperature 0, with `reasoning_effort` if one is given. What a server refuses
    of all this is left out, and from then on at once. Thoughts in `<think>` are passed over.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 3,
        attempts: int = 2,
        max_parallel: int = 4,
        prices: tuple[float, float] | tuple[float, float, float] = (0.0, 0.0),
        structured: Structured = "auto",
        deadline: float = DEADLINE,
        reasoning_effort: str | None = None,
    ) -> None:
        base_url = checked_url(base_url, model)
        client, library = _client_of("OpenAI", model, api_key, base_url=base_url, api_key=api_key)
        super().__init__(
            f"openai/{model}",
            _OpenAIWire(client, library),
            OpenAIDialect(model, reasoning_effort),
            OpenAIManners.of(model, _structures(structured)),
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            attempts=attempts,
            max_parallel=max_parallel,
            prices=prices,
        )


@checked_names
class AzureOpenAILLM(ServedLLM):
    """A chat model deployed at Azure OpenAI (extra `openai`), by the name of its deployment: otherwise an `OpenAILLM`.

    `endpoint` is `https://<resource>.openai.azure.com`, or comes from AZURE_OPENAI_ENDPOINT; the key from `api_key` or
    AZURE_OPENAI_API_KEY. Without an `api_version` its v1 interface is used, which has none.
    """

    def __init__(
        self,
        deployment: str,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        api_version: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 3,
        attempts: int = 2,
        max_parallel: int = 4,
        prices: tuple[float, float] | tuple[float, float, float] = (0.0, 0.0),
        structured: Structured = "auto",
        deadline: float = DEADLINE,
        reasoning_effort: str | None = None,
    ) -> None:
        if not _DEPLOYMENT.fullmatch(deployment):
            raise LLMError(f"deployment: wanted letters, digits, '-', '_' and '.', found {shown(deployment)}", "input")
        endpoint = checked_url(endpoint or os.environ.get("AZURE_OPENAI_ENDPOINT") or None, deployment)
        key = api_key or os.environ.get("AZURE_OPENAI_API_KEY")
        if endpoint is None or not key:
            lacking = "the endpoint; give endpoint= (base_url in settings) or set AZURE_OPENAI_ENDPOINT"
            if endpoint is not None:
                lacking = "a key; give api_key= or set AZURE_OPENAI_API_KEY"
            raise LLMError(f"azure/{deployment}: wanted {lacking}", "input")
        place = endpoint.rstrip("/").removesuffix("/openai/v1").removesuffix("/openai")
        if api_version is None:
            headers = {"api-key": key}
            settings: dict[str, Any] = {"base_url": f"{place}/openai/v1", "api_key": key, "default_headers": headers}
            client, library = _client_of("OpenAI", deployment, key, **settings)
        else:
            settings = {"azure_endpoint": place, "api_key": key, "api_version": api_version}
            client, library = _client_of("AzureOpenAI", deployment, key, **settings)
        super().__init__(
            f"azure/{deployment}",
            _OpenAIWire(client, library),
            OpenAIDialect(deployment, reasoning_effort),
            OpenAIManners.of(deployment, _structures(structured)),
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            attempts=attempts,
            max_parallel=max_parallel,
            prices=prices,
        )


def _structures(structured: str) -> tuple[str, ...]:
    if structured not in STRUCTURED:
        raise LLMError(f"structured: wanted one of {', '.join(STRUCTURED)}, found {shown(structured)}", "input")
    return STRUCTURED[structured]


def _client_of(kind: str, model: str, key: str | None, **settings: Any) -> tuple[Any, Any]:
    """Return a client of the openai package, and the HTTP library that it is made of. Raises LLMError."""
    try:
        import openai
    except ImportError as error:
        raise LLMError("openai is not installed; pip install 'treemem[openai]'", "missing") from error
    library = http_library(openai.DefaultHttpxClient)

    def opened() -> Any:
        http = openai.DefaultHttpxClient(event_hooks=bounded_refusals(library), verify=certificates(library))
        return getattr(openai, kind)(max_retries=0, http_client=http, **settings)

    client = answered(opened, lambda told: LLMError(f"{model}: {without_key(told, key)}", "input"))
    return client, library
