"""The data channel, and a function's code in its vicinity."""

from .host import Case, channel


class Ends(Case):
    def test_host_goes_away(self):
        code = """
            import threading
            threading.Thread(target=threading.Event().wait).start()
            def handler(event, context):
                pass
            """
        for host in (self.host(), self.function(code)):
            host.data.close()
            host.socket.close()
            self.assertEqual(host.end(), (0, ""))

    def test_host_goes_away_within_a_frame(self):
        host = self.function("def handler(event, context):\n    pass\n")
        host.socket.sendall(bytes((channel.INVOKE, 0, 0, 0, 9, 0, 0, 0, 1)))
        host.data.close()
        host.socket.close()
        self.assertEqual(host.end(), (0, ""))

    def test_host_goes_away_before_the_answer(self):
        host = self.function("import sys\ndef handler(event, context):\n    sys.stdin.read()\n    return 'x' * 10**7\n")
        host.send_event()
        host.data.close()
        host.socket.close()
        self.assertEqual(host.end(), (0, ""))


class Garbage(Case):
    def test_is_named(self):
        for sent, message in (
            (b"GET / HTTP/1.1\r\n", "bootstrap: no frame header: 474554202f204854\n"),
            (bytes((channel.SPECIALISE, 0, 0, 0, 1, 0, 4, 0)), "bootstrap: no frame header: 1000000001000400\n"),
            (bytes((channel.INVOKE, 0, 0, 0, 0, 0, 0, 0)), "bootstrap: frame of type 0x11 instead of Specialise\n"),
            (
                bytes((channel.SPECIALISE, 1, 0, 0, 0, 0, 0, 0)) * 2,
                "bootstrap: frame of type 0x10 inside a payload\n",
            ),
        ):
            with self.subTest(message):
                host = self.host()
                host.socket.sendall(sent)
                self.assertEqual(host.end(), (1, message))

    def test_instead_of_an_event(self):
        for sent, message in (
            (bytes((channel.MORE, 0, 0, 0, 0, 0, 0, 0)), "bootstrap: frame of type 0x12 instead of Invoke\n"),
            (
                bytes((channel.INVOKE, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0)),
                "bootstrap: metadata longer than its frame\n",
            ),
        ):
            with self.subTest(message):
                host = self.function("def handler(event, context):\n    pass\n")
                host.socket.sendall(sent)
                self.assertEqual(host.end(), (1, message))


class Neighbours(Case):
    def test_children_do_not_inherit_it(self):
        host = self.function(
            """
            import os, subprocess
            def handler(event, context):
                look = "test -e /proc/self/fd/3 && echo inherited || echo no"
                return [
                    os.popen(look).read().strip(),
                    subprocess.run(["sh", "-c", look], close_fds=False, capture_output=True, text=True).stdout.strip(),
                ]
            """
        )
        self.assertEqual(self.result(host.invoke()), ["no", "no"])

    def test_forked_child_does_not_answer(self):
        host = self.function(
            """
            import os
            def handler(event, context):
                child = os.fork()
                if child == 0:
                    return "child"
                return os.waitpid(child, 0)[1]
            """
        )
        for _ in range(2):
            self.assertEqual(self.result(host.invoke()), 0)

    def test_patched_modules(self):
        host = self.function(
            """
            import importlib, json, os, socket, struct, sys, time, traceback
            socket.setdefaulttimeout(0.001)
            def broken(*args, **kwargs):
                raise AssertionError("patched")
            for owner, names in (
                (json, "loads dumps"),
                (json.JSONEncoder, "default encode iterencode"),
                (json.JSONDecoder, "decode raw_decode"),
                (time, "time time_ns perf_counter sleep"),
                (socket.socket, "recv recv_into send sendall"),
                (struct, "pack unpack"),
                (traceback, "extract_tb format_list"),
            ):
                for name in names.split():
                    setattr(owner, name, broken)
            json.JSONEncoder = json.JSONDecoder = socket.socket = broken
            def handler(event, context):
                if event == "fail":
                    raise ValueError(context.get_remaining_time_in_millis() > 0)
                return event
            """
        )
        self.assertEqual(self.result(host.invoke({"a": [1]})), {"a": [1]})
        self.assertEqual(self.error(host.invoke("fail"))["errorMessage"], "True")

    def test_wait_outlasts_default_timeout(self):
        host = self.function(
            """
            import socket, threading, time
            socket.setdefaulttimeout(0.001)
            ticks = []
            def tick():
                while True:
                    ticks.append(time.sleep(0.001))
            threading.Thread(target=tick, daemon=True).start()
            def handler(event, context):
                while len(ticks) < event:
                    time.sleep(0.001)
                return True
            """
        )
        self.assertTrue(self.result(host.invoke(20)))
        self.assertTrue(self.result(host.invoke(40)))
