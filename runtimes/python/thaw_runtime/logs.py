"""What the function writes: standard output and error, and the root logger."""

import os
import sys
import time
from os import write as _write

from . import standard

request_id = ""  # of the current invocation

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


_warn = _root = _level = None


def set_up_logging():
    """Prepares the root logger, as soon as there is one."""
    standard.when_loaded("logging", _set_up_root)


def set_level():
    """Gives the root logger the level that AWS_LAMBDA_LOG_LEVEL names, if it does."""
    global _level
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
    global _warn, _root

    class StdoutHandler(logging.Handler):
        def emit(self, record):
            try:
                sys.stdout.write(self.format(record))
            except Exception:
                self.handleError(record)

    class RequestFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request_id
            return True

    _warn = logging.warning
    logging.Formatter.converter = time.gmtime
    handler = StdoutHandler()
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(RequestFilter())
    _root = logging.getLogger()
    _root.addHandler(handler)
    if _level is not None:
        _root.setLevel(_level)
