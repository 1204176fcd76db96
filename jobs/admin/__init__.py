"""The admin of everything that concerns making films, a module per noun."""

from jobs.admin import account, engine, job, money, passport, sets

__all__ = ["account", "engine", "job", "money", "passport", "sets"]
