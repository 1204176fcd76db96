"""A mutation run over what moves jobs and money (docs/measured.md, Mutations): `run` makes one
change at a time with mutmut and runs the tests that reach it; `count` tells changes of code from
changes of text."""
