"""Finding the handler, and what the process looks like to it."""

import os
import subprocess
import sys

from .host import Case, channel

IDENTITY = "def handler(event, context):\n    return event\n"


class HandlerNames(Case):
    def test_forms(self):
        task = self.task({"app.py": IDENTITY, "pkg/sub/mod.py": IDENTITY, "plain/deep/mod.py": IDENTITY})
        for name in ("app.handler", "pkg.sub.mod.handler", "pkg/sub/mod.handler", "plain/deep/mod.handler"):
            with self.subTest(name):
                host = self.host()
                self.assertEqual(host.specialise(task, name).kind, channel.READY)
                self.assertEqual(self.result(host.invoke({"a": 1})), {"a": 1})

    def test_bad_name(self):
        error, log = self.failed_init({}, "nodot")
        message = "Bad handler 'nodot': not enough values to unpack (expected 2, got 1)"
        self.assertEqual(
            error,
            {"errorMessage": message, "errorType": "Runtime.MalformedHandlerName", "requestId": "", "stackTrace": []},
        )
        warning, line = log.split("\n")[:2]
        self.assertRegex(
            warning, r"^\[WARNING\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t\tLAMBDA_WARNING: Unhandled exception\."
        )
        self.assertEqual(
            line, "[ERROR] Runtime.MalformedHandlerName: " + message + "\rTraceback (most recent call last):"
        )

    def test_no_such_module(self):
        error, _ = self.failed_init({}, "x.handler")
        self.assertEqual(error["errorType"], "Runtime.ImportModuleError")
        self.assertEqual(error["errorMessage"], "Unable to import module 'x': No module named 'x'")

    def test_module_lacks_import(self):
        error, _ = self.failed_init({"app.py": "import y"})
        self.assertEqual(error["errorType"], "Runtime.ImportModuleError")
        self.assertEqual(error["errorMessage"], "Unable to import module 'app': No module named 'y'")
        self.assertEqual(error["stackTrace"], [])

    def test_no_such_function(self):
        error, _ = self.failed_init({"app.py": ""})
        self.assertEqual(error["errorType"], "Runtime.HandlerNotFound")
        self.assertEqual(error["errorMessage"], "Handler 'handler' missing on module 'app'")

    def test_syntax_error(self):
        error, _ = self.failed_init({"app.py": "def handler(\n"})
        self.assertEqual(error["errorType"], "Runtime.UserCodeSyntaxError")
        self.assertRegex(error["errorMessage"], r"^Syntax error in module 'app': .*\(app\.py, line 1\)$")
        self.assertRegex(error["stackTrace"][0], r'^  File ".*/app\.py" Line 1\n    def handler\(')

    def test_builtin_module(self):
        error, _ = self.failed_init({}, "sys.exit")
        self.assertEqual(error["errorType"], "Runtime.BuiltInModuleConflict")
        self.assertEqual(error["errorMessage"], "Cannot use built-in module sys as a handler module")

    def test_exception_at_import(self):
        error, log = self.failed_init({"app.py": "def f():\n    raise KeyError('k')\nf()\n"})
        self.assertEqual((error["errorType"], error["errorMessage"], error["requestId"]), ("KeyError", "'k'", ""))
        self.assertRegex(error["stackTrace"][-1], r'^  File ".*/app\.py", line 2, in f\n    raise KeyError\(\'k\'\)\n$')
        self.assertFalse([entry for entry in error["stackTrace"] if "thaw_runtime" in entry], error)
        self.assertIn("[ERROR] KeyError: 'k'\rTraceback (most recent call last):\r", log)

    def test_exit_at_import(self):
        for code, status in (("import sys; sys.exit(7)", 7), ("import os; os._exit(8)", 8)):
            with self.subTest(code):
                host = self.host()
                with self.assertRaises(channel.Closed):
                    host.specialise(self.task({"app.py": code}))
                self.assertEqual(host.end(), (status, ""))


class Environment(Case):
    def test_what_the_handler_sees(self):
        host = self.host(env={"BASE": "goes", "COLOUR": "red", "TZ": ":UTC", "PYTHONPATH": "/var/gone"})
        task = self.task(
            {
                "app.py": """
                    import extra, os, sys, time
                    AT_IMPORT = os.environ["COLOUR"]
                    def handler(event, context):
                        return [AT_IMPORT, sorted(os.environ), extra.NAME, os.getcwd(), time.tzname[0], sys.path]
                    """,
            }
        )
        more = self.task({"extra.py": "NAME = 'extra'"})
        env = {"COLOUR": "blue", "PYTHONPATH": more, "TZ": "XYZ-3"}
        self.assertEqual(host.specialise(task, env=env).kind, channel.READY)
        colour, names, extra, cwd, zone, path = self.result(host.invoke())
        self.assertEqual((colour, extra, cwd, zone), ("blue", "extra", task, "XYZ"))
        self.assertEqual(names, sorted(env))
        self.assertNotIn("/var/gone", path)
        packages = "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2]
        self.assertEqual(path[:4], [task, packages, "/opt/python", more])
        self.assertNotIn(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), path)
        self.assertEqual(len(path), len(set(path)))

    def test_own_module_wins_over_preloaded(self):
        host = self.host()
        task = self.task(
            {
                "uuid.py": "NAME = 'mine'",
                "queue/readme.txt": "no package",
                "app.py": """
                    import queue, uuid
                    def handler(event, context):
                        return [uuid.NAME, queue.Queue.__name__]
                    """,
            }
        )
        self.assertEqual(host.specialise(task).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), ["mine", "Queue"])

    def test_own_module_does_not_replace_the_runtimes(self):
        names = ("json", "logging", "string", "traceback", "types")
        files = {name + ".py": "raise AssertionError(__name__)" for name in names}
        files["app.py"] = """
            import json, logging, string, traceback, types
            def handler(event, context):
                if event == "fail":
                    raise ValueError(string.digits)
                return json.__name__
            """
        host = self.host()
        self.assertEqual(host.specialise(self.task(files)).kind, channel.READY)
        self.assertEqual(self.result(host.invoke()), "json")
        self.assertEqual(self.error(host.invoke("fail"))["errorMessage"], "0123456789")


    def test_nothing_is_left_of_the_rehearsal(self):
        host = self.function(
            """
            import os, sys, logging
            def handler(event, context):
                left = [n for n, m in sys.modules.items() if "rehearsal" in (getattr(m, "__file__", None) or "")]
                left += [p for p in (*sys.path, *sys.path_importer_cache, *os.environ) if "rehearsal" in p.lower()]
                return [left, sys.dont_write_bytecode != sys.flags.dont_write_bytecode, len(logging.getLogger().handlers)]
            """
        )
        self.assertEqual(self.result(host.invoke()), [[], False, 1])

    def test_snapshot_module_is_always_found(self):
        host = self.function(
            "import snapshot_restore_py\ndef handler(event, context):\n    return snapshot_restore_py.__all__\n",
            env={"PYTHONPATH": "/var/other"},
        )
        self.assertEqual(self.result(host.invoke()), ["register_before_snapshot", "register_after_restore"])


class Modules(Case):
    CODE = """
        import sys
        LOADED = list(sys.modules)
        def handler(event, context):
            if event == "names":
                return LOADED
            return sorted(set(sys.modules).difference(LOADED))
        """
    COMMON = {"datetime", "decimal", "json", "logging", "re", "socket", "ssl", "traceback", "urllib.request"}

    def test_hot_process_has_common_modules(self):
        host = self.function(self.CODE, hot=True)
        self.assertEqual(self.COMMON.difference(self.result(host.invoke("names"))), set())

    def test_process_on_demand_has_few_modules(self):
        host = self.function(self.CODE, hot=False)
        bare = subprocess.check_output([sys.executable, "-c", "import sys; print(*sys.modules)"], text=True).split()
        more = set(self.result(host.invoke("names"))).difference(bare)
        heavy = self.COMMON | {"collections", "enum", "functools", "linecache", "string", "threading"}
        self.assertEqual(heavy & more, set())
        self.assertLess(len(more), 30, more)  # warnings, importlib's and the bootstrap's
        self.assertEqual(self.result(host.invoke()), [])
