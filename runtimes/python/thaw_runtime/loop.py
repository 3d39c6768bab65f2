"""One event after the other: the warm path."""

import os
from _json import encode_basestring_ascii as _quote

from . import channel, codec, failure, logs
from .context import LambdaContext, describe_function

_TRACE_ID = "_X_AMZN_TRACE_ID"


def serve(data, handler):
    """Answers events until the channel is closed."""
    function = describe_function()
    while True:
        answer_one(data, handler, function)


def answer_one(data, handler, function):
    """Waits for one event and answers it. Where a snapshot comes first, function is up to date afterwards."""
    kind, flags, body = data.next()
    if kind != channel.INVOKE:
        if kind != channel.SNAPSHOT:
            raise channel.ProtocolError("frame of type %#x instead of Invoke" % kind)
        from . import snapshot

        snapshot.prepare(data)
        function.update(describe_function())
        return
    meta, first = channel.split_meta(body)
    meta = codec.parse(str(meta, "utf-8"))
    logs.request_id = request_id = meta["id"]
    logs.tenant_id = meta.get("tenant_id")
    _set_trace_id(meta.get("trace_id"))
    try:
        context = LambdaContext(function, meta)
        event = codec.decode(data.payload(flags, first))
        content, content_type = codec.encode(handler(event, context))
    except Exception as error:  # SystemExit and its like end the process
        _answer_error(data, request_id, error)
        return
    reply = '{"id":%s}' if content_type is None else '{"id":%s,"content_type":"' + content_type + '"}'
    logs.flush()
    data.send(channel.RESULT, content, (reply % _quote(request_id)).encode(), channel.FLAG_IDLE)


def _answer_error(data, request_id, error):
    description = failure.describe(error, request_id)
    logs.write_error(description)
    logs.flush()
    reply = '{"id":%s,"error_type":%s}' % (_quote(request_id), _quote(description["errorType"]))
    data.send(channel.ERROR, codec.encode_error(description), reply.encode(), channel.FLAG_IDLE)


_traced = True


def _set_trace_id(trace_id):
    global _traced
    if trace_id:
        os.environ[_TRACE_ID] = trace_id
    elif _traced:
        os.environ.pop(_TRACE_ID, None)
    _traced = bool(trace_id)
