"""Error objects: what a caller gets when a function failed, and the same as log text."""

import os

from . import standard

_OWN_FILES = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


_extract_tb = _format_list = None


def _keep_traceback(traceback):
    global _extract_tb, _format_list
    _extract_tb, _format_list = traceback.extract_tb, traceback.format_list


standard.when_loaded("traceback", _keep_traceback)


class Fault(Exception):
    """A failure that the runtime finds, with one of Lambda's Runtime.* error types."""

    def __init__(self, error_type, message, trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = list(trace)


def describe(error, request_id=""):
    """Returns the error object of an exception."""
    if isinstance(error, Fault):
        error_type, message, trace = error.error_type, error.message, error.trace
    else:
        error_type, message, trace = type(error).__name__, _message(error), _trace(error)
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def log_text(description):
    """Returns the log entry of an error object, as bytes: one line, since a carriage return does not end it."""
    head = "[ERROR] " + description["errorType"]
    if description["errorMessage"]:
        head += ": " + description["errorMessage"]
    lines = [head, "Traceback (most recent call last):"]
    for entry in description["stackTrace"]:
        lines += map(_keep_indentation, entry.splitlines())
    return ("\r".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _message(error):
    try:
        return str(error)
    except Exception:
        return "<unprintable %s object>" % type(error).__name__


def _trace(error):
    if _format_list is None:
        try:
            import traceback  # noqa: F401, it comes to _keep_traceback
        except Exception:  # the function has used up its files, say, and fails for it
            return []
    frames = [(f.filename, f.lineno, f.name, f.line) for f in _extract_tb(error.__traceback__)]
    ours = 0
    while ours < len(frames) and frames[ours][0].startswith(_OWN_FILES):
        ours += 1
    return _format_list(frames[ours:])


def _keep_indentation(line):
    """Log viewers trim spaces; no-break spaces stay."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text
