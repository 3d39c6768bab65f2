"""Handlers that fail, and processes that end."""

from .host import Case, channel


class Exceptions(Case):
    def test_error_object_and_log(self):
        host = self.function(
            """
            class CustomError(Exception):
                pass
            def inner():
                raise CustomError("first\\nsecond")
            def handler(event, context):
                inner()
            """
        )
        error = self.error(host.invoke(id="id-7"))
        self.assertEqual(
            (error["errorType"], error["errorMessage"], error["requestId"]), ("CustomError", "first\nsecond", "id-7")
        )
        self.assertEqual(len(error["stackTrace"]), 2)
        self.assertRegex(error["stackTrace"][0], r'^  File ".*/app\.py", line 7, in handler\n    inner\(\)\n$')
        self.assertRegex(error["stackTrace"][1], r'line 5, in inner\n    raise CustomError\(".*"\)\n$')
        self.assertRegex(
            host.logged(),
            "^\\[ERROR\\] CustomError: first\nsecond\rTraceback \\(most recent call last\\):\r"
            '\u00a0\u00a0File ".*/app\\.py", line 7, in handler\r\u00a0\u00a0\u00a0\u00a0inner\\(\\)\r'
            '\u00a0\u00a0File ".*/app\\.py", line 5, in inner\r\u00a0\u00a0\u00a0\u00a0raise CustomError\\(".*"\\)\n$',
        )

    def test_no_message(self):
        host = self.function("def handler(event, context):\n    raise ValueError\n")
        self.assertEqual(self.error(host.invoke())["errorMessage"], "")
        self.assertTrue(host.logged().startswith("[ERROR] ValueError\rTraceback (most recent call last):\r"))

    def test_wrong_signature(self):
        host = self.function("def handler():\n    pass\n")
        error = self.error(host.invoke())
        self.assertEqual(error["errorMessage"], "handler() takes 0 positional arguments but 2 were given")
        self.assertEqual(error["stackTrace"], [])

    def test_unprintable(self):
        host = self.function(
            """
            class Broken(Exception):
                def __str__(self):
                    raise RuntimeError
            def handler(event, context):
                raise Broken if event else Exception("\\ud800")
            """
        )
        error = self.error(host.invoke(True))
        self.assertEqual((error["errorType"], error["errorMessage"]), ("Broken", "<unprintable Broken object>"))
        self.assertEqual(self.error(host.invoke(False))["errorMessage"], "\ud800")
        self.assertIn("[ERROR] Exception: \\ud800\r", host.logged())

    def test_recursion(self):
        host = self.function("def handler(event, context):\n    return handler(event, context)\n")
        error = self.error(host.invoke())
        self.assertEqual(error["errorType"], "RecursionError")
        self.assertRegex("".join(error["stackTrace"]), r"Previous line repeated \d+ more times")
        self.assertEqual(self.error(host.invoke())["errorType"], "RecursionError")

    def test_no_file_can_be_opened(self):
        host = self.function(
            """
            import resource
            def handler(event, context):
                resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
                open("any")
            """
        )
        self.assertEqual(self.error(host.invoke())["errorType"], "OSError")
        self.assertIn("[ERROR] OSError: [Errno 24]", host.logged())

    def test_next_event_after_an_error(self):
        host = self.function("def handler(event, context):\n    return 1 / event\n")
        self.assertEqual(self.error(host.invoke(0))["errorType"], "ZeroDivisionError")
        self.assertEqual(self.result(host.invoke(2)), 0.5)


class Exits(Case):
    def test_status(self):
        for code, status, log in (
            ("import sys; sys.exit(3)", 3, "^$"),
            ("import sys; sys.exit('bye')", 1, "^bye\n$"),
            ("raise SystemExit", 0, "^$"),
            ("import os; os._exit(5)", 5, "^$"),
            ("raise KeyboardInterrupt", None, r"\nKeyboardInterrupt\n$"),
            ("raise GeneratorExit", 1, r"\nGeneratorExit\n$"),
            ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, "^$"),
        ):
            with self.subTest(code):
                host = self.function("def handler(event, context):\n    " + code + "\n")
                with self.assertRaises(channel.Closed):
                    host.invoke()
                ended, text = host.end()
                self.assertRegex(text, log)
                if status is None:
                    self.assertNotEqual(ended, 0)
                else:
                    self.assertEqual(ended, status)
