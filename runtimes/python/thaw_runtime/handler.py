"""Finds the function's handler."""

import sys
from importlib import import_module

from .failure import Fault


def load(name):
    """Imports and returns the handler called name: "module.function", with dots or slashes inside module."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': %s" % (name, error)) from None
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = "Cannot use built-in module %s as a handler module" % module_name
        raise Fault("Runtime.BuiltInModuleConflict", message)
    write = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # the function's files are read-only, and each attempt costs
    try:
        module = import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = "Unable to import module '%s': %s" % (module_name, error)
        raise Fault("Runtime.ImportModuleError", message) from None
    except SyntaxError as error:
        message = "Syntax error in module '%s': %s" % (module_name, error)
        place = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        raise Fault("Runtime.UserCodeSyntaxError", message, [place]) from None
    finally:
        sys.dont_write_bytecode = write
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise Fault("Runtime.HandlerNotFound", message) from None
