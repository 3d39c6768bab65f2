"""The bootstrap of the python3.x runtimes.

Modules bind what they need of the standard library at import: a function that patches json, time or socket later
changes nothing here.
"""
