"""Commands, and following a job in a terminal.
May import every wing but admin, and alone of all the simulator."""
