"""The web process between the network and Django: connections, bodies, turns of page threads and
answers, each with a limit and a time.

A page thread computes and never waits for the network: a request gets one when its whole body is
here and gives it back when its answer is made; the event loop reads the one and sends the other.
May import `studio/teams` and below.
"""
