"""A server on this machine that answers as the APIs of OpenAI, Anthropic and Gemini do, from a script.

The frameworks' own clients speak to it, so that examples run as people type them.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: An answer: a text, or a call of a tool by its name and arguments.
Answer = str | tuple[str, dict[str, Any]]


class Script:
    """The answers, one after the other, then "Noted."; what was sent is kept."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []
        self.url = ""

    def next(self, request: dict[str, Any]) -> tuple[str, Answer]:
        self.sent.append(request)
        return f"call_{len(self.sent)}", self.answers.pop(0) if self.answers else "Noted."


def _responses(key: str, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, str):
        content = [{"type": "output_text", "text": answer, "annotations": []}]
        item = {"id": f"msg_{key}", "type": "message", "role": "assistant", "status": "completed", "content": content}
    else:
        item = {"id": f"fc_{key}", "type": "function_call", "call_id": key, "status": "completed"}
        item |= {"name": answer[0], "arguments": json.dumps(answer[1])}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}
    head = {"id": f"resp_{key}", "object": "response", "created_at": 0, "model": "scripted", "status": "completed"}
    return {**head, "output": [item], "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}


def _chat(key: str, answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer if isinstance(answer, str) else None}
    if not isinstance(answer, str):
        called = {"name": answer[0], "arguments": json.dumps(answer[1])}
        message["tool_calls"] = [{"id": key, "type": "function", "function": called}]
    choice = {"index": 0, "message": message, "finish_reason": "stop" if isinstance(answer, str) else "tool_calls"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": key, "object": "chat.completion", "created": 0, "model": "scripted"}
    return {**head, "choices": [choice], "usage": usage}


def _messages(key: str, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, str):
        block: dict[str, Any] = {"type": "text", "text": answer}
    else:
        block = {"type": "tool_use", "id": key, "name": answer[0], "input": answer[1]}
    head = {"id": f"msg_{key}", "type": "message", "role": "assistant", "model": "scripted", "content": [block]}
    reason = "end_turn" if isinstance(answer, str) else "tool_use"
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}


def _gemini(key: str, answer: Answer) -> dict[str, Any]:
    part = {"text": answer} if isinstance(answer, str) else {"functionCall": {"name": answer[0], "args": answer[1]}}
    return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}


_APIS: dict[str, Callable[[str, Answer], dict[str, Any]]] = {
    "/responses": _responses,
    "/chat/completions": _chat,
    "/messages": _messages,
    ":generateContent": _gemini,
}


@contextlib.contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Serve a script; its `url` is where."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.partition("?")[0]
            made = next((make for end, make in _APIS.items() if path.endswith(end)), None)
            body = json.dumps(made(*script.next(request)) if made else {"error": {"message": path}}).encode()
            self.send_response(200 if made else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
