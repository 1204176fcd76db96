"""Attacks on a site that is open to the internet: slow clients with an honest visitor beside them,
every address with nonsense, every door with somebody else's ids, and another user of the same
machine.

Each runs against a site of its own on this machine, in a folder that goes away. By hand in full
(`python -m tests.hostile.slow`, `python -m tests.hostile.fuzz`), short in the suite and under the
marker `hostile`.
"""
