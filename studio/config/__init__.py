"""The environment and what follows from it: databases, storage, logs. Read by the settings.
May import common."""
