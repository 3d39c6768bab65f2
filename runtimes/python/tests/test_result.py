"""From a handler's value to the bytes of its result."""

import json
import subprocess
import sys

from .host import ROOT, Case, channel

# The event names the value to return.
VALUES = """
    import asyncio, collections, datetime, decimal, enum, typing
    Point = collections.namedtuple("Point", "x y")
    class Row(typing.NamedTuple):
        name: str
        at: Point
    class Colour(enum.IntEnum):
        RED = 1
    class Fielded:
        def _asdict(self):
            return {"f": Point(5, 6)}
    cycle = []
    cycle.append([cycle])
    shared = {"s": 1}
    async def later():
        return 1
    def handler(event, context):
        return eval(event)
    """


class Values(Case):
    @classmethod
    def setUpClass(cls):
        cls.case = cls("check")
        cls.process = cls.case.function(VALUES)

    @classmethod
    def tearDownClass(cls):
        cls.case.doCleanups()

    def check(self):
        pass

    def evaluate(self, expression):
        return self.process.invoke(expression)

    def test_json(self):
        for expression, want in (
            ("None", None),
            ("'text'", "text"),
            ("(1, 2.5, True, {'a': [None]})", [1, 2.5, True, {"a": [None]}]),
            ("{1: 'a', None: 'b', True: 'c', 1.5: 'd'}", {"1": "c", "null": "b", "1.5": "d"}),
            ("Colour.RED", 1),
            ("[shared, shared]", [{"s": 1}, {"s": 1}]),
            ("'h\\u00e9 \\u20ac \\U0001f600'", "h\u00e9 \u20ac \U0001f600"),
            ("{'b': b'bytes'}", {"b": "bytes"}),
            ("Point(1, 2)", {"x": 1, "y": 2}),
            ("{'rows': [Row('a', Point(1, (2,)))]}", {"rows": [{"name": "a", "at": {"x": 1, "y": [2]}}]}),
            ("[Fielded()]", [{"f": [5, 6]}]),
            ("[decimal.Decimal('1.10'), decimal.Decimal('1E+2')]", [1.1, 100.0]),
            ("decimal.Decimal(10) ** 20", 10**20),
        ):
            with self.subTest(expression):
                self.assertEqual(self.result(self.evaluate(expression)), want)

    def test_decimals_keep_their_digits(self):
        self.process.send_event("{'d': decimal.Decimal('0.10000000000000000001'), 's': '\"0.1\"'}")
        kind, _, body = self.process.data.next()
        _, payload = channel.split_meta(body)
        self.assertEqual(kind, channel.RESULT)
        self.assertEqual(bytes(payload), b'{"d": 0.10000000000000000001, "s": "\\"0.1\\""}')

    def test_not_a_number(self):
        for expression in ("decimal.Decimal('NaN')", "decimal.Decimal('-sNaN')", "float('nan')"):
            with self.subTest(expression):
                value = self.result(self.evaluate(expression))
                self.assertNotEqual(value, value)

    def test_bytes_stay_as_they_are(self):
        reply = self.evaluate("bytes(range(256))")
        self.assertEqual(self.result(reply), bytes(range(256)))
        self.assertEqual(reply.meta, {"id": "id-1", "content_type": "application/unknown"})

    def test_cannot_be_json(self):
        for expression, reason in (
            ("datetime.date(2026, 1, 1)", "Object of type date is not JSON serializable"),
            ("{'a': {1, 2}}", "Object of type set is not JSON serializable"),
            ("{(1,): 2}", "keys must be str, int, float, bool or None, not tuple"),
            ("cycle", "Circular reference detected"),
            ("later()", "Object of type coroutine is not JSON serializable"),
            ("[b'\\xff']", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
            ("[decimal.Decimal(1), object()]", "Object of type object is not JSON serializable"),
        ):
            with self.subTest(expression):
                error = self.error(self.evaluate(expression))
                self.assertEqual(error["errorType"], "Runtime.MarshalError")
                self.assertEqual(error["errorMessage"], "Unable to marshal response: " + reason)
                self.assertEqual((error["requestId"], error["stackTrace"]), ("id-1", []))
        self.assertEqual(self.result(self.evaluate("[shared, cycle is None]")), [{"s": 1}, False])

    def test_lone_surrogate(self):
        reply = self.evaluate("'\\ud800'")
        if reply.kind == channel.RESULT:  # escaped, before python3.12
            self.assertEqual(reply.value, "\ud800")
        else:
            self.assertEqual(self.error(reply)["errorType"], "Runtime.MarshalError")

    def test_too_deep(self):
        error = self.error(self.evaluate("__import__('functools').reduce(lambda a, _: [a], range(200000), [])"))
        self.assertEqual(error["errorType"], "Runtime.MarshalError")

    def test_large(self):
        for size in (channel.CHUNK_BYTES - 2, channel.CHUNK_BYTES - 1, channel.CHUNK_BYTES, 7 << 20):
            with self.subTest(size):
                self.assertEqual(self.result(self.evaluate("'x' * %d" % size)), "x" * size)

    def test_large_event(self):
        text = "y" * (6 << 20)
        self.assertEqual(self.result(self.evaluate(repr(text)[:-1] + "'")), text)
        for size in range(channel.CHUNK_BYTES - 40, channel.CHUNK_BYTES + 2, 7):
            self.assertEqual(self.result(self.evaluate("len('%s')" % ("z" * size))), size)

    def test_events(self):
        for raw, want in ((b'"1 + 1"', 2), (b' "2" \n', 2), ('"\'\u00fc\'"'.encode(), "\u00fc")):
            with self.subTest(raw):
                self.assertEqual(self.result(self.process.invoke(raw=raw)), want)

    def test_bad_events(self):
        for raw, reason in (
            (b"", "Expecting value: line 1 column 1 (char 0)"),
            (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            (b"1 2", "Extra data: line 1 column 3 (char 2)"),
        ):
            with self.subTest(raw):
                error = self.error(self.process.invoke(raw=raw))
                self.assertEqual(error["errorType"], "Runtime.UnmarshalError")
                self.assertTrue(error["errorMessage"].startswith("Unable to unmarshal input: " + reason[:15]), error)
        error = self.error(self.process.invoke(raw=b'"\xff"'))
        self.assertEqual(error["errorType"], "Runtime.UnmarshalError")
        self.assertNotEqual(json.dumps(error), "")


class OtherInterpreters(Case):
    def test_c_encoder_is_made_differently(self):
        code = """
import _json, json.encoder
json.encoder.c_make_encoder = None
def refuse(*args):
    raise TypeError
make_encoder, _json.make_encoder = _json.make_encoder, refuse
from thaw_runtime import codec, standard
standard.install()
_json.make_encoder = make_encoder
from decimal import Decimal
print(codec.encode({"d": [Decimal("1.10"), b"b"]}))
"""
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout, b"""(b'{"d": [1.10, "b"]}', None)\n""")
