"""Errors say what to do in Python; at the command line they name the command for it."""

from __future__ import annotations

import re

#: What stands for more than one verb, or reads badly word by word.
PHRASES = {
    "open the memory with llm=OpenAILLM(...), or configure the section llm": "name one in the settings, section llm",
    "is done; add() makes another one": "is done; treemem tasks --add KIND makes another one",
    "list() names those there are": "treemem tasks lists those there are",
    "knowledge_bases.list() has them, make() makes one": "treemem kb list has them, treemem kb make makes one",
    "or share() your own base": "or treemem kb share your own base",
    "skills.list() has them": "treemem skills list has them",
    "tools.list() has them": "treemem tools list has them",
    "pass user= and password= or set TREEMEM_NEO4J_USER": "set TREEMEM_NEO4J_USER",
    "pass user= and password= beside it": "set TREEMEM_NEO4J_USER and TREEMEM_NEO4J_PASSWORD beside it",
}
#: A verb of TreeTextMemory and the command that does it.
COMMANDS = {
    "add": "add",
    "add_documents": "add-documents",
    "add_messages": "add --messages",
    "backup": "backup",
    "chat": "chat",
    "check": "check",
    "conversations": "messages",
    "delete": "delete",
    "documents": "documents",
    "dump": "dump",
    "explain": "explain",
    "export": "export",
    "feedback": "feedback",
    "get": "get",
    "history": "history",
    "import_": "import",
    "load": "load",
    "messages": "messages",
    "operations": "operations",
    "pages": "list",
    "read": "read",
    "reembed": "reembed",
    "reindex": "reindex",
    "remove_documents": "remove-documents",
    "search": "search",
    "stats": "stats",
    "undo": "undo",
    "update": "update",
}
_CALL = re.compile(rf"(?<![\w.'\"])({'|'.join(sorted(COMMANDS, key=len, reverse=True))})\(\)")


def in_commands(message: str) -> str:
    """Return an error's sentence with commands in the place of calls, where there is a command."""
    for phrase, command in PHRASES.items():
        message = message.replace(phrase, command)
    return _CALL.sub(lambda found: f"treemem {COMMANDS[found[1]]}", message)
