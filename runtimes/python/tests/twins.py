"""Two processes with the same memory, as two restores of one snapshot are; needs root.

A hook of the function splits the process by the bare system call, past the handlers for forks of Python, glibc and
OpenSSL, and each copy is process 1 of a namespace of its own, as the process itself is: none can notice that it is a
copy. Each then gets a data channel of its own, as a restored sandbox does.
"""

import base64
import copy
import json
import os
import socket

from .host import Case, channel

FUNCTION = """
    import ctypes, os, random, secrets, ssl, tempfile, uuid
    from snapshot_restore_py import register_after_restore, register_before_snapshot
    try:
        import numpy.random as numpy_random
    except ImportError:
        numpy_random = None

    def client_random(context):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            context.wrap_bio(incoming, outgoing, server_hostname="host").do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()[11:43].hex()  # behind the headers of record and message, and the version

    CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def kept():  # what depends on memory only
        drawn = {
            "random": random.random(),
            "RAND_bytes": ssl.RAND_bytes(16).hex(),
            "TLS": client_random(CONTEXT),
            "tempfile": next(tempfile._get_candidate_names()),
            "uuid1": uuid.uuid1().fields[5],
        }
        if numpy_random is not None:
            drawn["numpy"] = numpy_random.random()
        return drawn

    def all_kinds():
        name = tempfile.mktemp()
        return dict(
            kept(), shuffled=random.sample(range(1000), 20), uuid4=uuid.uuid4().hex, token=secrets.token_hex(),
            urandom=os.urandom(16).hex(), system=random.SystemRandom().random(), mktemp=name,
            TLS2=client_random(ssl.create_default_context()), RAND_bytes2=ssl.RAND_bytes(16).hex(),
        )

    kept()  # everything has state now
    CLONE, NEWPID, SIGCHLD = {"x86_64": 56, "aarch64": 220}[os.uname().machine], 0x20000000, 17
    syscall = ctypes.CDLL(None).syscall
    BEFORE = HOOK = None

    @register_before_snapshot
    def split():
        global BEFORE
        for fd in os.environ["TWINS"].split():
            if syscall(CLONE, NEWPID | SIGCHLD, 0, 0, 0, 0) == 0:
                os.dup2(int(fd), 3, inheritable=False)
                BEFORE = kept()
                return

    @register_after_restore
    def after():
        global HOOK
        HOOK = kept()

    def handler(event, context):
        return {"pid": os.getpid(), "before": BEFORE, "hook": HOOK, "after": all_kinds()}
    """


class Twins(Case):
    def test_copies_differ(self):
        ends = [socket.socketpair() for _ in range(2)]
        for pair in ends:
            for end in pair:
                self.addCleanup(end.close)
            pair[1].set_inheritable(True)
        host = self.host(wrapper=("unshare", "--pid", "--fork", "--kill-child"))
        task = self.task({"app.py": FUNCTION})
        env = {"TWINS": " ".join(str(theirs.fileno()) for _, theirs in ends)}
        self.assertEqual(host.specialise(task, env=env).kind, channel.READY)
        host.data.send(channel.SNAPSHOT)
        twins = [self.twin(host, ours) for ours, _ in ends]
        for twin in (host, *twins):
            self.assertEqual(twin.reply().kind, channel.READY)
        for twin in twins:
            order = {"env": {}, "entropy": base64.b64encode(os.urandom(32)).decode()}
            twin.data.send(channel.RESTORED, json.dumps(order).encode())
            self.assertEqual(twin.reply().kind, channel.READY)
        one, two = [self.result(twin.invoke()) for twin in twins]
        self.assertEqual((one["pid"], two["pid"]), (1, 1))
        self.assertEqual(one["before"], two["before"], "the copies were no copies")
        for when in ("hook", "after"):
            self.assertEqual(one[when].keys(), two[when].keys())
            for name in one[when]:
                with self.subTest(when=when, name=name):
                    self.assertNotEqual(one[when][name], two[when][name])

    def twin(self, host, ours):
        ours.settimeout(60)
        twin = copy.copy(host)
        twin.data = channel.Channel(os.dup(ours.fileno()))
        self.addCleanup(twin.data.close)
        return twin
