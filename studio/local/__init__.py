"""The embedded stack: Redis, simulator, workers and web, started, watched and stopped from one
terminal.

processes.py knows processes and what a dead run left behind · ports.py keeps addresses stable ·
server.py finds a Redis or Valkey · child.py starts and restarts · stack.py puts them together.
Nothing here imports a model.
"""
