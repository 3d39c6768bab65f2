"""Turns a waiting process into the runtime of one function."""

import os
import sys
import time
from importlib.machinery import PathFinder

from . import channel, codec, failure, handler, logs

_given = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # to this process, perhaps before it had its function

_layer_packages = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]

_WARNING = "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code."


def become_function(data, preloaded):
    """Waits for Specialise, loads the function and answers. Returns its handler, or ends the process."""
    kind, flags, first = data.next()
    while kind == channel.SNAPSHOT:  # of a process that has no function yet
        from . import snapshot

        snapshot.prepare_unused(data)
        kind, flags, first = data.next()
    if kind != channel.SPECIALISE:
        raise channel.ProtocolError("frame of type %#x instead of Specialise" % kind)
    order = codec.decode(data.payload(flags, first))
    if not order.get("keep_env"):
        replace_environment(order.get("env") or {})
    os.chdir(order["task_root"])
    search(order["task_root"], preloaded)
    logs.configure()
    try:
        found = handler.load(order["handler"])
    except Exception as error:
        description = failure.describe(error)
        logs.warn(_WARNING)
        logs.write_error(description)
        logs.flush()
        meta = codec.encode_error({"error_type": description["errorType"]})
        data.send(channel.INIT_ERROR, codec.encode_error(description), meta)
        sys.exit(1)
    logs.flush()
    data.send(channel.READY)
    return found


def replace_environment(variables):
    """Makes variables the whole environment."""
    environ = os.environ
    had = {name: environ[name] for name in environ}
    for name in had:
        if name not in variables:
            del environ[name]
    for name, value in variables.items():
        if had.get(name) != value:
            environ[name] = value
    if had.get("TZ") != variables.get("TZ"):
        time.tzset()


def search(task_root, preloaded):
    """Has modules searched in the function's directory, in layers, where PYTHONPATH says, and in the library."""
    paths = [task_root, _layer_packages, "/opt/python"]
    _give_way(preloaded, paths)
    paths += [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = paths + [entry for entry in sys.path if entry not in paths and entry not in _given]
    for entry in paths:
        sys.path_importer_cache.pop(entry, None)  # made before the function's files were there


def _give_way(preloaded, paths):
    """Forgets preloaded modules that the function or a layer has its own of: theirs stand first in sys.path."""
    entries = set()
    for path in paths:
        try:
            entries.update(entry.partition(".")[0] for entry in os.listdir(path))
        except OSError:
            pass
    for name in entries.intersection(preloaded):
        spec = PathFinder.find_spec(name, paths)
        if spec is not None and spec.loader is not None and spec.origin is not None:
            for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
                del sys.modules[loaded]
