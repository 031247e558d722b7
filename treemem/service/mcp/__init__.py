"""The Model Context Protocol over a memory's verbs (extra `mcp`).

`server.MemoryServer` answers; `stdio` and `http` are the two ways to reach it. What it serves is bound once, where it
is made (`binding.Binding`): no request names a store, a cube or a caller.
"""
