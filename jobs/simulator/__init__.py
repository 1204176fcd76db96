"""An honest stand-in of the remote service over HTTP, derived from the catalogue."""

from jobs.simulator.service import Simulator

__all__ = ["Simulator"]
