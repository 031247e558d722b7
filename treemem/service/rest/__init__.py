"""The service over HTTP that programs for MemOS's cloud can use unchanged (extra `service`).

`app` makes the ASGI application, `serving.serve` serves it.
"""

from treemem.service.rest.application import app

__all__ = ["app"]
