"""Functions to be called around a snapshot of this process, with the interface of the package of this name on PyPI.

A function that brings that package along uses it instead of this module.
"""

__version__ = "1.0.0"
__all__ = ["register_before_snapshot", "register_after_restore"]

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Has func called with the arguments before the snapshot is made: the last one registered first. Returns func."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has func called with the arguments after each restore: the first one registered first. Returns func."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """Returns the list of what was registered, each as function, arguments and keyword arguments."""
    return _before_snapshot


def get_after_restore():
    """Returns the list of what was registered, each as function, arguments and keyword arguments."""
    return _after_restore
