"""What the function writes: standard output and error, and the root logger."""

import os
import sys
import time
from os import write as _write
from time import gmtime as _gmtime, strftime as _strftime

from . import codec, failure, standard

request_id = ""  # of the current invocation
tenant_id = None  # likewise

_out, _err = sys.stdout, sys.stderr


def open_streams():
    """Makes every finished line leave the process at once."""
    for stream, errors in ((_out, "strict"), (_err, "backslashreplace")):
        stream.reconfigure(encoding="utf-8", errors=errors, line_buffering=True)


def flush():
    """Sends off lines that are not finished yet, before the result: the host then has all of an invocation's log."""
    try:
        _out.flush()
        _err.flush()
        if sys.stdout is not _out:
            sys.stdout.flush()
    except Exception:  # the function closed one of them or put something of its own there
        pass


def write_entry(text):
    """Writes bytes past whatever the function made of sys.stdout."""
    flush()
    while text:
        try:
            text = text[_write(1, text) :]
        except OSError:  # closed by the function
            return


def write_error(description):
    """Writes the entry of an error object."""
    if _as_json:
        fields = {"timestamp": _strftime(_SECONDS, _gmtime()), "level": "ERROR"}
        fields.update(description)
        write_entry(codec.encode_error(fields) + b"\n")
    else:
        write_entry(failure.log_text(description))


_SECONDS = "%Y-%m-%dT%H:%M:%SZ"

_warn = _handler = _root = _level = None
_as_json = False  # whether entries are JSON objects


def set_up_logging():
    """Prepares the root logger, as soon as there is one."""
    standard.when_loaded("logging", _set_up_root)


def configure():
    """Gives the root logger the format that AWS_LAMBDA_LOG_FORMAT names and the level of AWS_LAMBDA_LOG_LEVEL, if any."""
    global _as_json, _level
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        _as_json = True
        if _handler is not None:
            _write_json(sys.modules["logging"])
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG", "WARN": "WARNING", "FATAL": "CRITICAL"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        _level = level
        if _root is not None:
            _root.setLevel(level)


def warn(text):
    """Logs a warning of the runtime's, after set_up_logging."""
    if _warn is None:
        import logging  # noqa: F401, it comes to _set_up_root
    _warn(text)


def _set_up_root(logging):
    global _warn, _handler, _root

    class StdoutHandler(logging.Handler):
        def emit(self, record):
            try:
                sys.stdout.write(self.format(record))
            except Exception:
                self.handleError(record)

    class RequestFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request_id
            record.tenant_id = tenant_id
            return True

    _warn = logging.warning
    logging.Formatter.converter = time.gmtime
    handler = StdoutHandler()
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestFilter())
    _root = logging.getLogger()
    _root.addHandler(handler)
    _handler = handler
    if _as_json:
        _write_json(logging)
    if _level is not None:
        _root.setLevel(_level)


def _write_json(logging):
    """Has the root logger's entries written as JSON objects, in the form of Amazon's runtimes."""
    from json import JSONEncoder
    from traceback import format_tb

    encode = JSONEncoder(ensure_ascii=False, default=str).encode
    reserved = frozenset(
        """
        name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created msecs
        relativeCreated thread threadName processName process aws_request_id tenant_id
        """.split()
    )

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            message = record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage()
            fields = {
                "timestamp": self.formatTime(record, _SECONDS),
                "level": logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10),
                "message": message,
                "logger": record.name,
            }
            error_type, error, trace = record.exc_info or (None, None, None)
            if error_type is not None:
                fields.update(stackTrace=format_tb(trace), errorType=error_type.__name__, errorMessage=str(error))
            fields["requestId"] = getattr(record, "aws_request_id", None)
            if error_type is not None:
                fields["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
            fields["tenantId"] = getattr(record, "tenant_id", None)
            for name, value in record.__dict__.items():
                if name not in reserved and name not in fields:
                    fields[name] = value
            return encode({name: value for name, value in fields.items() if value is not None}) + "\n"

    _handler.setFormatter(JsonFormatter())
