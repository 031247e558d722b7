"""Scripted models that read: they answer about the lines that they are given, well or badly."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.test_fine import answered

Model = Callable[[dict[str, Any]], dict[str, Any]]


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """What a request shows of a window."""
    data: dict[str, Any] = json.loads(body["messages"][1]["content"])
    return data


def reading(*rules: tuple[str, dict[str, Any]]) -> Model:
    """A model that finds an item wherever a line has its quote."""

    def model(body: dict[str, Any]) -> dict[str, Any]:
        items = [
            {"kind": "fact", "line": line["line"], "quote": quote, "speaker": line["speaker"], **item}
            for line in shown(body)["lines"]
            for quote, item in rules
            if quote in line["text"]
        ]
        return answered(body, {"items": items})

    return model


def claiming(*items: dict[str, Any]) -> Model:
    """A model that says the same of every window."""
    return lambda body: answered(body, {"items": [{"kind": "fact", "line": 1, **item} for item in items]})


#: What Anna tells an assistant, and what a good model reads there.
ANNA: list[dict[str, Any]] = [
    {"role": "user", "name": "Anna", "content": "I live in Porto. I don't eat fish.", "chat_time": "2025-05-07T10:00Z"},
    {"role": "assistant", "content": "Noted, Anna!", "chat_time": "2025-05-07T10:01Z"},
    {"role": "user", "name": "Anna", "content": "My sister Rita visits next Friday.", "chat_time": "2025-05-07T10:02Z"},
]
PORTO = ("I live in Porto", {"text": "Anna lives in Porto.", "about": "Anna", "entities": ["Anna", "Porto"]})
FISH = (
    "I don't eat fish",
    {"kind": "preference", "text": "Anna doesn't eat fish.", "polarity": "negative", "preference": "explicit"},
)
RITA = (
    "My sister Rita visits next Friday",
    {
        "kind": "event",
        "text": "Anna's sister Rita visits next Friday.",
        "about": "Rita",
        "modality": "planned",
        "time": "next Friday",
        "starts": "2025-05-09",
        "entities": ["Rita"],
    },
)
GHENT = ("I moved to Ghent", {"text": "Anna moved to Ghent.", "about": "Anna"})
ZH: list[dict[str, Any]] = [
    {"role": "user", "content": "我不喝咖啡。听说小王下个月要去上海。", "chat_time": "2025-05-07T10:00Z"},
    {"role": "assistant", "content": "好的。", "chat_time": "2025-05-07T10:01Z"},
]
COFFEE = ("我不喝咖啡", {"kind": "preference", "text": "用户不喝咖啡。", "about": "user", "polarity": "negative"})
SHANGHAI = (
    "听说小王下个月要去上海",
    {
        "kind": "plan",
        "text": "小王下个月要去上海。",
        "about": "小王",
        "modality": "quoted",
        "time": "下个月",
        "starts": "2025-06",
        "ends": "2025-06",
        "entities": ["小王", "上海"],
    },
)
