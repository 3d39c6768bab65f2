"""Modules of the standard library that this runtime needs only now and then, and imports when it or the function does.

Amazon's runtimes have imported them before the function, so that theirs win over the function's own of the same name.
"""

import os
import sys
from importlib.machinery import PathFinder

# What Amazon's runtimes import, and what that imports, in any version of Python.
NAMES = frozenset(
    """
    _weakrefset collections contextlib copyreg decimal enum functools heapq importlib json keyword linecache logging
    numbers operator re reprlib sre_compile sre_constants sre_parse string struct textwrap threading token tokenize
    traceback types warnings weakref
    """.split()
)

_path = [os.path.dirname(os.__file__)]
_waiting = {}  # name to function


def when_loaded(name, use):
    """Calls use with the module called name: at once if it is loaded, or else as soon as anyone has imported it.

    What use takes from the module is then as the standard library made it, whatever the function patches later.
    """
    if name in sys.modules:
        use(sys.modules[name])
    else:
        _waiting[name] = use


class _Finder:
    """Finds the modules called NAMES in the standard library, however sys.path has been changed."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in NAMES:
            return None
        spec = PathFinder.find_spec(name, _path)
        if name in _waiting and spec is not None:
            _use_after_load(name, spec.loader)
        return spec


def _use_after_load(name, loader):
    def exec_module(module):
        del loader.exec_module  # the class has the real one
        loader.exec_module(module)
        use = _waiting.pop(name, None)  # only now: the function may ask for a spec and load nothing, or fail to
        if use is not None:
            use(module)

    loader.exec_module = exec_module


class _LastResort:
    """Finds the module a function imports to take part in snapshots, unless it or a layer has brought the package."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "snapshot_restore_py":
            return None
        return PathFinder.find_spec(name, [os.path.dirname(os.path.dirname(__file__))])


def install():
    """Puts the finders before and behind the one that searches sys.path."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _Finder)
    sys.meta_path.append(_LastResort)
