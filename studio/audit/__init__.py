"""The trail: who did what to whom, when and from where, written in the transaction of the change by
`studio.audit.trail.record`, which every function that makes such a change calls.

May import models and what is below it.
"""
