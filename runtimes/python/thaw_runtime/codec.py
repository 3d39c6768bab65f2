"""Events and results: between JSON and Python values.

The C half of the json module does the work. The other half, which takes longer to import than a small function, is
there for what the C half cannot do, and for what it says about errors.
"""

import _json
import os
import sys

from . import standard
from .failure import Fault

_decoder = None  # of the json module


def _keep_decoder(json):
    global _decoder
    decoder = json.JSONDecoder()
    decoder.raw_decode = decoder.raw_decode  # decode calls it
    _decoder = decoder.decode


standard.when_loaded("json", _keep_decoder)


class _DecoderSettings:
    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}.__getitem__
    memo = {}


_scan = _json.make_scanner(_DecoderSettings)

_Decimal = ()


def _keep_decimal(decimal):
    global _Decimal
    _Decimal = decimal.Decimal


standard.when_loaded("decimal", _keep_decimal)

# The encoder cannot be told to write a value as it stands. A Decimal is written as a string that begins with a mark no
# function can know, and its quotes and mark are taken off afterwards.
_MARK = os.urandom(16).hex()

_LEAVES = frozenset((str, int, float, bool, type(None)))

# Amazon's runtimes write non-ASCII text as it is from python3.12 on.
_ENSURE_ASCII = sys.version_info < (3, 12)

_marked = False


def _default(o):
    global _marked
    if isinstance(o, _Decimal):
        if o.is_nan():
            return float("nan")
        _marked = True
        return _MARK + str(o)
    if isinstance(o, bytes):
        return o.decode("utf-8")
    if callable(getattr(o, "_asdict", None)):
        fields = o._asdict()
        if isinstance(fields, dict):
            return fields
    raise TypeError("Object of type %s is not JSON serializable" % type(o).__name__)


def _reusable_encoder():
    """Returns a function from value to pieces of JSON, and the containers it is inside of, to be emptied on errors.

    JSONEncoder makes a new C encoder for every value, which costs more than encoding a small one. Where this
    interpreter's C encoder wants to be made differently, JSONEncoder does it.
    """
    inside = {}
    quote = _json.encode_basestring_ascii if _ENSURE_ASCII else _json.encode_basestring
    try:
        pieces = _json.make_encoder(inside, _default, quote, None, ": ", ", ", False, False, True)
        if "".join(pieces({"a": [1]}, 0)) == '{"a": [1]}':
            return lambda value: pieces(value, 0), inside
    except TypeError:
        pass
    from json import JSONEncoder

    encoder, iterencode = JSONEncoder(ensure_ascii=_ENSURE_ASCII, default=_default), JSONEncoder.iterencode
    return lambda value: iterencode(encoder, value, True), inside


_pieces, _inside = _reusable_encoder()


def parse(text):
    """Returns the value of JSON text, like json.loads."""
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except Exception:  # white space before the value, or an error, for which the scanner needs the json module
        pass
    if _decoder is None:
        import json  # noqa: F401, it comes to _keep_decoder
    return _decoder(text)


def decode(text):
    """Returns the value of UTF-8 JSON bytes."""
    try:
        return parse(str(text, "utf-8"))
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None


def encode(value):
    """Returns a handler's result as bytes, and their content type unless it is JSON. Bytes stay as they are."""
    global _marked
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        text = _to_json(value)
        if type(value) not in _LEAVES and _holds_named_tuple(value):  # only now: value is known to have no cycle
            text = _to_json(_name_fields(value))
        return text.encode("utf-8"), None
    except Exception as error:
        _inside.clear()
        _marked = False
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None


def encode_error(description):
    """Returns an error object as bytes. A lone surrogate, which UTF-8 cannot carry, becomes its JSON escape."""
    return _to_json(description).encode("utf-8", "backslashreplace")


def _to_json(value):
    global _marked
    text = "".join(_pieces(value))
    if _marked:
        _marked = False
        first, *rest = text.split('"' + _MARK)
        text = first + "".join([number.replace('"', "", 1) for number in rest])
    return text


def _holds_named_tuple(value):
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            item = item.values()
        elif isinstance(item, tuple):
            if hasattr(item, "_asdict"):
                return True
        elif not isinstance(item, list):
            continue
        rest += [child for child in item if type(child) not in _LEAVES]
    return False


def _name_fields(value):
    """Returns value with each named tuple as the object that it is in JSON."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _name_fields(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_name_fields(child) for child in value]
    return value
