"""Before a snapshot of the initialised process, and after a restore of one.

Copies of a process have the same memory. What keeps random state there is given other state in each copy, as far as the
standard library and OpenSSL are concerned; what reads the kernel's random numbers (os.urandom, secrets,
random.SystemRandom) needs nothing. Left as they are: the seed of hash(), which only orders sets, generators that the
function made itself, such as random.Random(), and libraries with an OpenSSL of their own inside. For those there are the
hooks.
"""

import gc
import os
import sys
import time
from binascii import a2b_base64

from . import channel, codec, failure, logs

try:
    import _ssl  # OpenSSL may be in use without it
except ImportError:  # a small interpreter, built without it
    _ssl = None

_HOOKS = "snapshot_restore_py"


def prepare(data):
    """Runs the hooks before a snapshot, waits for the restore, runs the hooks after it, and answers for both."""
    _run(data, _before, "Runtime.BeforeSnapshotError", 64)
    order = _wait(data)
    _apply_environment(order.get("env") or {})
    _run(data, lambda: _after(a2b_base64(order["entropy"])), "Runtime.AfterRestoreError", 65)
    logs.flush()
    data.send(channel.READY)


def prepare_unused(data):
    """The same for a process that has no function yet. Only the module random has state by then, from its import: nobody
    has drawn from anything else."""
    _reseed_unused()
    order = _wait(data)
    _reseed_unused()
    if order.get("rehearse"):
        from . import warmup

        warmup.rehearse()
    data.send(channel.READY)


def _wait(data):
    """Answers that a snapshot may be made, and returns what a copy is told."""
    gc.collect()
    logs.flush()
    data.send(channel.READY)
    kind, flags, first = data.next()
    if kind != channel.RESTORED:
        raise channel.ProtocolError("frame of type %#x instead of Restored" % kind)
    return codec.decode(data.payload(flags, first))


def _before():
    registry = getattr(sys.modules.get(_HOOKS), "get_before_snapshot", list)()
    while registry:
        func, args, kwargs = registry.pop()
        func(*args, **kwargs)
    _reseed(os.urandom(32))  # no copy has to find and load what this needs


def _after(entropy):
    _reseed(entropy)
    for func, args, kwargs in getattr(sys.modules.get(_HOOKS), "get_after_restore", list)():
        func(*args, **kwargs)


def _run(data, hooks, error_type, status):
    """Calls hooks; if one fails, answers InitError and ends the process with the status of Amazon's runtimes."""
    try:
        hooks()
    except BaseException as error:
        description = failure.describe(error)
        logs.write_error(description)
        logs.flush()
        data.send(channel.INIT_ERROR, codec.encode_error(description), codec.encode_error({"error_type": error_type}))
        sys.exit(status)


def _apply_environment(variables):
    os.environ.update(variables)
    if "TZ" in variables:
        time.tzset()


def _reseed(entropy):
    """Mixes entropy, which no other copy gets, into the random state of all that is loaded."""
    seed = os.urandom(32) + entropy
    if _ssl is not None:
        _ssl.RAND_add(seed, 32.0)  # reseeds the first of its generators; the others, of every thread, follow
    random = _standard("random")
    if random is not None:
        random.seed(int.from_bytes(seed + b"random", "big"))
    uuid = _standard("uuid")
    if uuid is not None:  # what uuid1 keeps in the C library cannot be changed; without, its node decides
        uuid._generate_time_safe = None
        uuid._node = int.from_bytes(os.urandom(6), "big") | 1 << 40
        uuid._last_timestamp = None
    tempfile = _standard("tempfile")
    if tempfile is not None:
        tempfile._name_sequence = None
    mtrand = sys.modules.get("numpy.random.mtrand")
    if mtrand is not None:
        mtrand.seed(list(seed))


def _reseed_unused():
    random = _standard("random")
    if random is not None:
        random.seed()


def _standard(name):
    """Returns the module of the standard library, None if it is not loaded or the function has its own of the name."""
    module = sys.modules.get(name)
    directory = os.path.dirname(getattr(module, "__file__", None) or "")
    return module if directory == os.path.dirname(os.__file__) else None
