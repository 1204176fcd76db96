"""The embedded stack: Redis, simulator, workers and web, started, watched and stopped from one
terminal.

processes.py knows processes and what a killed run left behind · ports.py keeps addresses stable ·
redis_server.py finds a Redis or Valkey · child.py starts and restarts · parent_watch.py ends a
child whose supervisor was killed · stack.py puts them together.
Nothing here imports a model.
May import common.
"""
