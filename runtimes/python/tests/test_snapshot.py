"""Hooks around a snapshot. That copies are different is shown in twins.py."""

import base64
import json
import os

from .host import Case, channel

HOOKED = """
    import os
    from snapshot_restore_py import register_after_restore, register_before_snapshot
    CALLS = []
    def note(*args, **kwargs):
        CALLS.append([args, kwargs])
        print("hook", args)
    register_before_snapshot(note, "before 1")
    @register_before_snapshot
    def second():
        note("before 2")
    register_before_snapshot(note, "before 3", key="value")
    register_after_restore(note, "after 1", key=1)
    register_after_restore(lambda: note("after 2", os.environ["COLOUR"]))
    def handler(event, context):
        return [CALLS, os.environ["COLOUR"], context.log_stream_name, context.aws_request_id]
    """


class Snapshot(Case):
    def take(self, host):
        host.data.send(channel.SNAPSHOT)
        return host.reply()

    def restore(self, host, env=None, **order):
        order.update({"env": env or {}, "entropy": base64.b64encode(os.urandom(32)).decode()})
        host.data.send(channel.RESTORED, json.dumps(order).encode())
        return host.reply()

    def test_hooks(self):
        host = self.function(HOOKED, env={"COLOUR": "blue", "AWS_LAMBDA_LOG_STREAM_NAME": "one"})
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertIn("hook ('before 1',)", host.logged())
        reply = self.restore(host, {"COLOUR": "red", "AWS_LAMBDA_LOG_STREAM_NAME": "two"})
        self.assertEqual(reply.kind, channel.READY)
        self.assertIn("hook ('after 1',)", host.logged())
        calls, colour, stream, request = self.result(host.invoke())
        self.assertEqual(
            calls,
            [
                [["before 3"], {"key": "value"}], [["before 2"], {}], [["before 1"], {}],
                [["after 1"], {"key": 1}], [["after 2", "red"], {}],
            ],
        )
        self.assertEqual((colour, stream, request), ("red", "two", "id-1"))

    def test_function_without_hooks(self):
        host = self.function("def handler(event, context):\n    return event\n")
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host).kind, channel.READY)
        self.assertEqual(self.result(host.invoke([1])), [1])

    def test_own_package_wins(self):
        host = self.host()
        task = self.task(
            {
                "snapshot_restore_py/__init__.py": """
                    CALLS = []
                    before = [(CALLS.append, ("own before",), {})]
                    get_before_snapshot = lambda: before
                    get_after_restore = lambda: [(CALLS.append, ("own after",), {})]
                    """,
                "app.py": """
                    import snapshot_restore_py
                    def handler(event, context):
                        return snapshot_restore_py.CALLS
                    """,
            }
        )
        self.assertEqual(host.specialise(task).kind, channel.READY)
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), ["own before", "own after"])

    def failing(self, code):
        return self.function(
            """
            import snapshot_restore_py, sys
            def fail():
                %s
            def handler(event, context):
                pass
            """
            % code
        )

    def test_failing_before(self):
        for code, error_type in (("raise KeyError('k')", "KeyError"), ("sys.exit(3)", "SystemExit")):
            with self.subTest(code):
                host = self.failing(code + "\n            snapshot_restore_py.register_before_snapshot(fail)")
                reply = self.take(host)
                self.assertEqual((reply.kind, reply.meta), (channel.INIT_ERROR, {"error_type": "Runtime.BeforeSnapshotError"}))
                self.assertEqual(reply.value["errorType"], error_type)
                status, log = host.end()
                self.assertEqual(status, 64)
                self.assertIn("[ERROR] " + error_type, log)

    def test_failing_after(self):
        host = self.failing("raise ValueError('v')\n            snapshot_restore_py.register_after_restore(fail)")
        self.assertEqual(self.take(host).kind, channel.READY)
        reply = self.restore(host)
        self.assertEqual((reply.kind, reply.meta), (channel.INIT_ERROR, {"error_type": "Runtime.AfterRestoreError"}))
        self.assertEqual((reply.value["errorType"], reply.value["errorMessage"]), ("ValueError", "v"))
        self.assertRegex(reply.value["stackTrace"][-1], r'app\.py", line \d+, in fail')
        self.assertFalse([entry for entry in reply.value["stackTrace"] if "thaw_runtime" in entry], reply.value)
        status, log = host.end()
        self.assertEqual(status, 65)
        self.assertIn("[ERROR] ValueError: v", log)

    def test_time_zone(self):
        host = self.function("import time\ndef handler(event, context):\n    return time.tzname[0]\n")
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host, {"TZ": "XYZ-3"}).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), "XYZ")

    def test_before_there_is_a_function(self):
        host = self.host(hot=True)
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host).kind, channel.READY)
        task = self.task({"app.py": "def handler(event, context):\n    return event\n"})
        self.assertEqual(host.specialise(task).kind, channel.READY)
        self.assertEqual(self.result(host.invoke([1])), [1])

    def test_rehearsal_of_a_copy(self):
        host = self.host(hot=True)
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host, rehearse=True).kind, channel.READY)
        task = self.task(
            {
                "app.py": """
                    import os, sys
                    left = [n for n, m in sys.modules.items() if "rehearsal" in (getattr(m, "__file__", None) or "")]
                    left += [p for p in (*sys.path, *sys.path_importer_cache, *os.environ) if "rehearsal" in p.lower()]
                    def handler(event, context):
                        return [left, context.aws_request_id]
                    """
            }
        )
        self.assertEqual(host.specialise(task).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), [[], "id-1"])
        self.assertEqual(host.logged(), "")

    def test_order(self):
        host = self.function("def handler(event, context):\n    return event\n")
        self.assertEqual(self.take(host).kind, channel.READY)
        host.send_event()
        status, log = host.end()
        self.assertEqual(status, 1)
        self.assertIn("frame of type 0x11 instead of Restored", log)

    def test_own_modules_of_standard_names_are_left_alone(self):
        host = self.host()
        own = "def __getattr__(name):\n    raise AssertionError(name)\n"
        task = self.task(
            {
                "tempfile.py": own,
                "uuid.py": own,
                "app.py": """
                    import tempfile, uuid
                    def handler(event, context):
                        return sorted(k for k in vars(uuid) if not k.startswith("__"))
                    """,
            }
        )
        self.assertEqual(host.specialise(task).kind, channel.READY)
        self.assertEqual(self.take(host).kind, channel.READY)
        self.assertEqual(self.restore(host).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), [])

