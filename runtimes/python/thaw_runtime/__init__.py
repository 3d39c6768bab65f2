"""The bootstrap of the python3.x runtimes.

Modules bind what they need of the standard library at import, or as soon as it is imported (see standard): a function
that patches json, time or socket later changes nothing here.
"""
