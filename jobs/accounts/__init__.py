"""Which Model Studio account and key is used, how it is doing, who paused it and how fast it may be
called. May import models, modelstudio, catalogue and common; neither billing nor download."""
