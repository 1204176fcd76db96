"""Attacks on a site that is open to the internet, with an honest visitor beside them.

Each runs against a site of its own on this machine, in a folder that goes away. By hand in full
(`python -m tests.hostile.slow`), short under the marker `hostile`.
"""
