"""A stand-in of the remote service over HTTP, derived from the catalogue. No Django.
May import catalogue and common; only management may import it."""

from jobs.simulator.service import Simulator

__all__ = ["Simulator"]
