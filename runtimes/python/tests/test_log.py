"""What a function writes is in the log when its result arrives."""

import json
import re

from .host import Case

LINE = r"\[%s\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t%s\t%s\n"


class Output(Case):
    def test_print(self):
        host = self.function(
            """
            import os, sys
            def handler(event, context):
                if event == "line":
                    print("finished", "line")
                    os.kill(os.getpid(), 9)
                print("out \\u00e9", end="")
                print("err", end="", file=sys.stderr)
                context.log("logged")
                os.system("echo child")
            """
        )
        self.result(host.invoke())
        self.assertEqual(sorted(host.logged()), sorted("out \u00e9errloggedchild\n"))
        host.send_event("line")
        self.assertEqual(host.end(), (-9, "finished line\n"))

    def test_output_before_ready(self):
        host = self.function("print('loading', end='')\ndef handler(event, context):\n    pass\n")
        self.assertEqual(host.logged(), "loading")

    def test_replaced_stdout(self):
        host = self.function(
            """
            import io, sys
            def handler(event, context):
                if event == "wrap":
                    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
                elif event == "close":
                    sys.__stdout__.close()
                elif event == "none":
                    sys.stdout = None
                elif event == "fail":
                    raise ValueError("seen")
                print("printed", end="")
            """
        )
        for event, want in (("wrap", "printed"), ("none", "")):
            self.result(host.invoke(event))
            self.assertEqual(host.logged(), want)
        self.error(host.invoke("fail"))
        self.assertIn("[ERROR] ValueError: seen\r", host.logged())
        self.result(host.invoke("close"))
        self.error(host.invoke("fail"))
        self.assertIn("[ERROR] ValueError: seen\r", host.logged())


class Logging(Case):
    CODE = """
        import logging
        def handler(event, context):
            for level in (logging.DEBUG, logging.INFO, logging.WARNING):
                logging.getLogger("any").log(level, "text %s", "here")
        """

    def test_default_level(self):
        host = self.function(self.CODE)
        for request in ("id-1", "id-2"):
            self.result(host.invoke(id=request))
            self.assertRegex(host.logged(), "^" + LINE % ("WARNING", request, "text here") + "$")

    def test_imported_late(self):
        host = self.function(
            """
            import importlib.util, os
            found = importlib.util.find_spec("logging")
            os.environ["AWS_LAMBDA_LOG_LEVEL"] = "DEBUG"
            def handler(event, context):
                import logging
                logging.info("hidden")
                logging.warning("seen")
                return [len(logging.getLogger().handlers), logging.__spec__.loader.exec_module.__name__]
            """,
            {"AWS_LAMBDA_LOG_LEVEL": "WARN"},
        )
        for _ in range(2):
            self.assertEqual(self.result(host.invoke()), [1, "exec_module"])
            self.assertRegex(host.logged(), "^" + LINE % ("WARNING", "id-1", "seen") + "$")

    def test_configured_level(self):
        for level, lines in (("DEBUG", 3), ("info", 2), ("ERROR", 0), ("nonsense", 1)):
            with self.subTest(level):
                host = self.function(self.CODE, {"AWS_LAMBDA_LOG_LEVEL": level})
                self.result(host.invoke())
                self.assertEqual(host.logged().count("\n"), lines)


# The expected entries are those of Amazon's runtime interface client for Python, 4.2.2, but for the time.
class JsonFormat(Case):
    ENV = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}

    def entries(self, host):
        lines = host.logged().splitlines()
        for line in lines:
            if line.startswith("{"):
                self.assertRegex(line, r'^\{"timestamp": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ')
        return [re.sub(r'"timestamp": "[^"]*", ', "", line) for line in lines]

    def test_entries(self):
        code = """
            import logging
            log = logging.getLogger("my.log")
            def handler(event, context):
                log.debug("hidden")
                log.info("text %s \\u00e9", "here", extra={"colour": "red", "n": {1}, "none": None})
                log.warning({"a": False, "b": [1]})
                log.log(35, "odd")
                log.critical({"a": 1}, {"b": 2})
                log.setLevel(logging.DEBUG)
                log.debug("two\\nlines")
                try:
                    1 / 0
                except ZeroDivisionError:
                    log.exception("failed")
                log.error("nothing", exc_info=True)
                print("plain")
        """
        host = self.function(code, self.ENV)
        self.result(host.invoke(tenant_id="blue"))
        got = self.entries(host)
        got[5:6] = [re.sub(r'(app.py:handler:)\d+', r"\1N", re.sub(r'"  File [^\]]*"', '"TRACE"', re.sub(r'"[^"]*/app.py', '"app.py', got[5])))]
        end = '"logger": "my.log", "requestId": "id-1", %s"tenantId": "blue"%s}'
        self.assertEqual(
            got,
            [
                '{"level": "INFO", "message": "text here \u00e9", ' + end % ("", ', "colour": "red", "n": "{1}"'),
                '{"level": "WARNING", "message": {"a": false, "b": [1]}, ' + end % ("", ""),
                '{"level": "WARNING", "message": "odd", ' + end % ("", ""),
                '{"level": "CRITICAL", "message": "{\'a\': 1}", ' + end % ("", ""),
                '{"level": "DEBUG", "message": "two\\nlines", ' + end % ("", ""),
                '{"level": "ERROR", "message": "failed", "logger": "my.log", "stackTrace": ["TRACE"], "errorType": "ZeroDivisionError", '
                '"errorMessage": "division by zero", "requestId": "id-1", "location": "app.py:handler:N", "tenantId": "blue"}',
                '{"level": "ERROR", "message": "nothing", ' + end % ("", ""),
                "plain",
            ],
        )

    def test_failures(self):
        host = self.function("def handler(event, context):\n    raise ValueError('bad')\n", self.ENV)
        failed = self.error(host.invoke())
        (entry,) = self.entries(host)
        self.assertEqual(json.loads(entry), dict(failed, level="ERROR"))
        self.assertTrue(entry.startswith('{"level": "ERROR", "errorMessage": "bad", "errorType": "ValueError", "requestId": "id-1", '))

    def test_failed_init(self):
        host = self.host()
        reply = host.specialise(self.task({"app.py": "import missing"}), env=self.ENV)
        self.assertEqual(reply.value["errorType"], "Runtime.ImportModuleError")
        _, log = host.end()
        warning, error = [json.loads(line) for line in log.splitlines()]
        self.assertEqual((warning["level"], warning["logger"]), ("WARNING", "root"))
        self.assertEqual((error["level"], error["errorType"]), ("ERROR", "Runtime.ImportModuleError"))

    def test_imported_late(self):
        host = self.function("def handler(event, context):\n    import logging\n    logging.warning('seen')\n", self.ENV)
        self.result(host.invoke())
        self.assertEqual(self.entries(host), ['{"level": "WARNING", "message": "seen", "logger": "root", "requestId": "id-1"}'])
