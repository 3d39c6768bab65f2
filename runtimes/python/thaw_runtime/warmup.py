"""What can be done before the function is known, so that no invocation waits for it."""

import json
import sys
from _socket import socketpair
from importlib import import_module

from . import channel, codec, failure, logs, loop

# Modules that most functions import, among them all that an HTTPS client needs.
_MODULES = """
    base64 collections contextlib copy dataclasses datetime enum functools hashlib hmac html http.client io itertools
    math operator queue random socket ssl string struct tempfile threading typing urllib.parse urllib.request uuid
""".split()

_REHEARSALS = 30


def preload():
    """Imports the modules; returns the names of those that were not there before."""
    before = set(sys.modules)
    for name in _MODULES:
        try:
            import_module(name)
        except ImportError:  # a small interpreter, built without it
            pass
    return frozenset(sys.modules) - before


def rehearse():
    """Runs the warm path against itself: its code is then specialised by the interpreter and paged in."""
    host, runtime = socketpair()
    host, runtime = channel.Channel(host.detach()), channel.Channel(runtime.detach())
    event = json.dumps({"key": "value", "list": [1, 2.5, None, True]}).encode()
    meta = json.dumps({"id": "rehearsal", "deadline_ms": 0, "arn": "arn"}).encode()
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
