"""Events and results: between JSON and Python values."""

import json
import os
import re
import sys
from decimal import Decimal
from json import encoder as _json_encoder

from .failure import Fault

_decoder = json.JSONDecoder()
_decoder.raw_decode = _raw_decode = _decoder.raw_decode  # decode calls it
parse = _decoder.decode

# json cannot be told to write a value as it stands. A Decimal is written as a string that begins with a mark no
# function can know, and its quotes and mark are taken off afterwards.
_MARK = os.urandom(16).hex()
_marked = re.compile('"%s([^"]*)"' % _MARK)

_LEAVES = frozenset((str, int, float, bool, type(None)))


class _Encoder(json.JSONEncoder):
    marked = False

    def default(self, o):
        if isinstance(o, Decimal):
            if o.is_nan():
                return float("nan")
            self.marked = True
            return _MARK + str(o)
        if isinstance(o, bytes):
            return o.decode("utf-8")
        if callable(getattr(o, "_asdict", None)):
            fields = o._asdict()
            if isinstance(fields, dict):
                return fields
        raise TypeError("Object of type %s is not JSON serializable" % type(o).__name__)


# Amazon's runtimes write non-ASCII text as it is from python3.12 on.
_encoder = _Encoder(ensure_ascii=sys.version_info < (3, 12))


def _reusable_encoder():
    """Returns a function from value to pieces of JSON, and the containers it is inside of, to be emptied on errors.

    JSONEncoder makes a new C encoder for every value, which costs more than encoding a small one. Where this
    interpreter's C encoder wants to be made differently, JSONEncoder does it.
    """
    inside = {}
    quote = _json_encoder.encode_basestring_ascii if _encoder.ensure_ascii else _json_encoder.encode_basestring
    try:
        pieces = _json_encoder.c_make_encoder(inside, _encoder.default, quote, None, ": ", ", ", False, False, True)
        if "".join(pieces({"a": [1]}, 0)) == '{"a": [1]}':
            return lambda value: pieces(value, 0), inside
    except TypeError:
        pass
    iterencode = json.JSONEncoder.iterencode
    return lambda value: iterencode(_encoder, value, True), inside


_pieces, _inside = _reusable_encoder()


def decode_meta(text):
    """Returns the value of UTF-8 JSON bytes from the platform, which has no white space around it."""
    return _raw_decode(str(text, "utf-8"))[0]


def decode(text):
    """Returns the value of UTF-8 JSON bytes."""
    try:
        return parse(str(text, "utf-8"))
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % error) from None


def encode(value):
    """Returns a handler's result as bytes, and their content type unless it is JSON. Bytes stay as they are."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        text = _to_json(value)
        if type(value) not in _LEAVES and _holds_named_tuple(value):  # only now: value is known to have no cycle
            text = _to_json(_name_fields(value))
        return text.encode("utf-8"), None
    except Exception as error:
        _inside.clear()
        _encoder.marked = False
        raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % error) from None


def encode_error(description):
    """Returns an error object as bytes. A lone surrogate, which UTF-8 cannot carry, becomes its JSON escape."""
    return _to_json(description).encode("utf-8", "backslashreplace")


def _to_json(value):
    text = "".join(_pieces(value))
    if _encoder.marked:
        _encoder.marked = False
        text = _marked.sub(r"\1", text)
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
