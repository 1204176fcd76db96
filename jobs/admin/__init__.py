"""The admin of everything that concerns making films, a module per noun."""

from jobs.admin import account, check, engine, job, money, sets, template

__all__ = ["account", "check", "engine", "job", "money", "sets", "template"]
