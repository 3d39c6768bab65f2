"""What a function writes is in the log when its result arrives."""

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
