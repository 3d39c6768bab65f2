"""What can be done before the function is known, so that no invocation waits for it."""

import gc
import os
import sys
from _socket import socketpair
from importlib import import_module

from . import channel, codec, failure, handler, logs, loop, specialise, standard

# Modules that most functions import, among them all that an HTTPS client needs.
_MODULES = """
    base64 collections contextlib copy dataclasses datetime enum functools hashlib hmac html http.client io itertools
    math operator queue random socket ssl string struct tempfile threading typing urllib.parse urllib.request uuid
""".split()

# Modules that this runtime itself needs now and then.
_OURS = ("decimal", "json", "logging", "traceback")

_REHEARSALS = 30


def preload(waiting):
    """Imports the modules until waiting() says that the function is there.

    Returns the names of those that give way to the function's own.
    """
    before = set(sys.modules)
    for name in (*_OURS, *_MODULES):
        if waiting():
            break
        try:
            import_module(name)
        except ImportError:  # a small interpreter, built without it
            pass
    return frozenset(sys.modules) - before - standard.NAMES


def rehearse():
    """Becomes a function and runs the warm path against itself: the code is then specialised by the interpreter and,
    what counts more inside a sandbox, in memory. What is left of it is kept out of the way of garbage collections."""
    _rehearse_start()
    _rehearse_events()
    gc.collect()
    gc.freeze()


def _rehearse_start():
    path, cwd = sys.path[:], os.getcwd()
    root = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rehearsal")
    for _ in range(2):  # the second time as it will be, with all of the interpreter's parts there
        specialise.replace_environment(dict(os.environ, REHEARSAL="1"))
        specialise.replace_environment({name: value for name, value in os.environ.items() if name != "REHEARSAL"})
        os.chdir(root)
        specialise.search(root, frozenset())
        handler.load("app.handler")({"name": "rehearsal"}, None)
        del sys.modules["app"]
    os.chdir(cwd)
    sys.path[:] = path
    sys.path_importer_cache.pop(root, None)


def _rehearse_events():
    host, runtime = socketpair()
    host, runtime = channel.Channel(host.detach()), channel.Channel(runtime.detach())
    event, _ = codec.encode({"key": "value", "list": [1, 2.5, None, True]})
    meta, _ = codec.encode({"id": "rehearsal", "deadline_ms": 0, "arn": "arn"})
    for _ in range(_REHEARSALS):
        host.send(channel.INVOKE, event, meta)
        loop.answer_one(runtime, lambda event, context: event, {"function_name": None})
        host.next()
    try:
        raise failure.Fault("Rehearsal", "message")
    except failure.Fault as error:
        failure.log_text(failure.describe(error))
        codec.encode_error(failure.describe(RuntimeError("message").with_traceback(error.__traceback__)))
    host.close()
    runtime.close()
    logs.request_id = ""
