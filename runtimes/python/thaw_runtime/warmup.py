"""What can be done before the function is known, so that no invocation waits for it."""

import sys
from _socket import socketpair
from importlib import import_module

from . import channel, codec, failure, logs, loop, standard

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
    """Runs the warm path against itself: its code is then specialised by the interpreter and paged in."""
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
