"""The context object, second argument of every handler."""

import os
import sys
from time import time as _now

from . import codec
from .failure import Fault


class LambdaContext:
    """Identifies one invocation and its function. Attributes follow AWS Lambda's developer guide."""

    def __init__(self, function, meta):
        self.__dict__.update(function)
        self.aws_request_id = meta["id"]
        self.invoked_function_arn = meta.get("arn")
        self._deadline_ms = meta.get("deadline_ms", 0)
        text = meta.get("client_context")
        self.client_context = ClientContext(_parse(text, "Client Context")) if text else None
        text = meta.get("identity")
        self.tenant_id = meta.get("tenant_id")
        self.identity = CognitoIdentity(_parse(text, "Cognito Identity") if text else {})

    def get_remaining_time_in_millis(self):
        """Returns the milliseconds until the timeout strikes, 0 when it did."""
        return max(0, self._deadline_ms - int(_now() * 1000))

    def log(self, msg):
        """Writes msg to the log, as it is."""
        sys.stdout.write(str(msg))

    def __repr__(self):
        fields = ("%s=%r" % item for item in self.__dict__.items() if not item[0].startswith("_"))
        return "LambdaContext([%s])" % ",".join(fields)


def describe_function():
    """Returns the attributes that are the same for all invocations of the function this process has become."""
    return {
        attribute: os.environ.get("AWS_LAMBDA_" + variable)
        for attribute, variable in (
            ("function_name", "FUNCTION_NAME"),
            ("function_version", "FUNCTION_VERSION"),
            ("memory_limit_in_mb", "FUNCTION_MEMORY_SIZE"),
            ("log_group_name", "LOG_GROUP_NAME"),
            ("log_stream_name", "LOG_STREAM_NAME"),
        )
    }


class _Record:
    """A fixed set of attributes, read from a JSON object; what it lacks is None."""

    __slots__ = ()

    def __init__(self, fields):
        for name in self.__slots__:
            setattr(self, name, fields.get(name))

    def __repr__(self):
        return "%s([%s])" % (
            type(self).__name__,
            ",".join("%s=%r" % (name, getattr(self, name)) for name in self.__slots__),
        )


class Client(_Record):
    """The calling application, as the AWS Mobile SDK describes it."""

    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Record):
    """What the caller sent along as client context."""

    __slots__ = ("custom", "env", "client")

    def __init__(self, fields):
        super().__init__(fields)
        if self.client is not None:
            self.client = Client(self.client)


class CognitoIdentity(_Record):
    """The Amazon Cognito identity of the caller."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, fields):
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


def _parse(text, name):
    try:
        return codec.parse(text)
    except Exception as error:
        message = "Unable to parse %s JSON: %s" % (name, error)
        raise Fault("Runtime.LambdaContextUnmarshalError", message) from None
