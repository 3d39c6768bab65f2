"""The host's side for tests: starts the bootstrap as the agent does and speaks frames with it."""

import collections
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from thaw_runtime import channel  # noqa: E402

Reply = collections.namedtuple("Reply", "kind meta value flags")

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


# Whether processes wait for Specialise, as in a hot slot, unless a test says so. Otherwise Specialise, or whatever else
# a test sends or does to the channel before it waits for something, is there before they start.
HOT = os.environ.get("HOT") == "1"


class Host:
    """One bootstrap process."""

    def __init__(self, env=None, hot=HOT, wrapper=()):
        ours, self._theirs = socket.socketpair()
        self.log, self._log_writer = os.pipe()
        os.set_blocking(self.log, False)
        ours.settimeout(60)
        self.socket = ours
        self.data = channel.Channel(os.dup(ours.fileno()))
        self.process = None
        self._command = lambda: subprocess.Popen(
            [*wrapper, sys.executable, os.path.join(ROOT, "bootstrap.py")],
            stdin=subprocess.DEVNULL,
            stdout=self._log_writer,
            stderr=self._log_writer,
            close_fds=False,
            preexec_fn=lambda: os.dup2(self._theirs.fileno(), 3),
            env=dict({"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}, **(env or {})),
        )
        if hot:
            self._start()
            self._await_warm()

    def _start(self):
        if self.process is None:
            self.process = self._command()
            self._theirs.close()
            os.close(self._log_writer)

    def _await_warm(self):
        kind, _, _ = self.data.next()
        assert kind == channel.IDLE, kind

    def specialise(self, task_root, handler="app.handler", env=None):
        """Sends Specialise and returns the answer."""
        order = {"handler": handler, "task_root": task_root, "env": env or {}}
        self.data.send(channel.SPECIALISE, json.dumps(order).encode())
        return self.reply()

    def invoke(self, event=None, raw=None, **meta):
        """Sends an event and returns the answer."""
        self.send_event(event, raw, **meta)
        return self.reply()

    def send_event(self, event=None, raw=None, **meta):
        meta = dict({"id": "id-1", "deadline_ms": int(time.time() * 1000) + 60000, "arn": ARN}, **meta)
        payload = json.dumps(event).encode() if raw is None else raw
        self.data.send(channel.INVOKE, payload, json.dumps(meta).encode())

    def reply(self):
        self._start()
        kind, flags, body = self.data.next()
        meta, first = channel.split_meta(body) if body else (b"{}", b"")
        meta = json.loads(bytes(meta))
        value = b""
        while True:
            value += first
            if not flags & channel.FLAG_MORE:
                break
            more, flags, first = self.data.next()
            assert more == channel.MORE, more
        if value and "content_type" not in meta:
            value = json.loads(value)
        return Reply(kind, meta, value, flags)

    def logged(self):
        """Returns what has arrived of the log and was not returned yet."""
        text = b""
        while True:
            try:
                part = os.read(self.log, 1 << 16)
            except BlockingIOError:
                part = b""
            text += part
            if not part:
                return text.decode()

    def end(self):
        """Waits for the process to end by itself; returns its status and the rest of the log."""
        self._start()
        status = self.process.wait(60)
        return status, self.logged()

    def close(self):
        self._start()
        self.data.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()
        os.close(self.log)


class Case(unittest.TestCase):
    """A test with task roots and processes of its own."""

    def host(self, **options):
        host = Host(**options)
        self.addCleanup(host.close)
        return host

    def task(self, files):
        """Writes files, by relative name, into a new directory."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        for name, text in files.items():
            path = os.path.join(directory.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))
        return os.path.realpath(directory.name)

    def function(self, code, env=None, **options):
        """Returns a host whose process has become the function app.handler of code."""
        host = self.host(**options)
        reply = host.specialise(self.task({"app.py": code}), env=env)
        self.assertEqual(reply.kind, channel.READY, reply)
        return host

    def failed_init(self, files, handler="app.handler"):
        """Returns the error object of a function that cannot be loaded, and its log."""
        host = self.host()
        reply = host.specialise(self.task(files), handler)
        self.assertEqual(reply.kind, channel.INIT_ERROR, reply)
        self.assertEqual(reply.meta, {"error_type": reply.value["errorType"]})
        status, log = host.end()
        self.assertEqual(status, 1)
        return reply.value, log

    def result(self, reply):
        self.assertEqual((reply.kind, reply.flags), (channel.RESULT, channel.FLAG_IDLE), reply)
        return reply.value

    def error(self, reply):
        self.assertEqual((reply.kind, reply.flags), (channel.ERROR, channel.FLAG_IDLE), reply)
        self.assertEqual(reply.meta["error_type"], reply.value["errorType"])
        return reply.value
