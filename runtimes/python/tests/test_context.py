"""The context object and the trace id."""

import json
import time

from .host import ARN, Case

CODE = """
    import os
    def handler(event, context):
        return eval(event, {"os": os, "context": context})
    """

FUNCTION = {
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]00",
}


class Context(Case):
    def test_attributes(self):
        host = self.function(CODE, FUNCTION)
        names = (
            "aws_request_id invoked_function_arn function_name function_version memory_limit_in_mb log_group_name "
            "log_stream_name client_context tenant_id"
        )
        got = self.result(host.invoke("[getattr(context, n) for n in %r.split()]" % names, id="id-9"))
        self.assertEqual(
            got, ["id-9", ARN, "f", "$LATEST", "128", "/aws/lambda/f", "2026/01/01/[$LATEST]00", None, None]
        )
        self.assertIn("aws_request_id='id-9'", self.result(host.invoke("repr(context)", id="id-9")))
        self.assertEqual(self.result(host.invoke("setattr(context, 'own', 1) or context.own")), 1)

    def test_remaining_time(self):
        host = self.function(CODE)
        now = int(time.time() * 1000)
        left = self.result(host.invoke("context.get_remaining_time_in_millis()", deadline_ms=now + 50000))
        self.assertTrue(0 < left <= 50000, left)
        self.assertEqual(self.result(host.invoke("context.get_remaining_time_in_millis()", deadline_ms=now)), 0)

    def test_identity(self):
        host = self.function(CODE)
        get = "[context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]"
        self.assertEqual(self.result(host.invoke(get)), [None, None])
        identity = json.dumps({"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"})
        self.assertEqual(self.result(host.invoke(get, identity=identity)), ["i", "p"])
        error = self.error(host.invoke(get, identity="{"))
        self.assertEqual(error["errorType"], "Runtime.LambdaContextUnmarshalError")
        self.assertTrue(error["errorMessage"].startswith("Unable to parse Cognito Identity JSON: "), error)

    def test_client_context(self):
        host = self.function(CODE)
        text = json.dumps({"custom": {"c": 1}, "env": {"e": "2"}, "client": {"app_title": "t"}, "other": 3})
        shown = "c.custom, c.env, c.client.app_title, c.client.app_package_name, str(c)"
        get = "(lambda c: [%s])(context.client_context)" % shown
        custom, env, title, installation, shown = self.result(host.invoke(get, client_context=text))
        self.assertEqual((custom, env, title, installation), ({"c": 1}, {"e": "2"}, "t", None))
        self.assertTrue(shown.startswith("ClientContext([custom={'c': 1},env={'e': '2'},client=Client(["), shown)
        self.assertEqual(
            self.result(host.invoke("context.client_context.client", client_context="{}")), None
        )

    def test_trace_id(self):
        host = self.function(CODE)
        get = "os.environ.get('_X_AMZN_TRACE_ID')"
        for trace_id in ("Root=1-a", "Root=1-b", None, "Root=1-c", None):
            meta = {"trace_id": trace_id} if trace_id else {}
            self.assertEqual(self.result(host.invoke(get, **meta)), trace_id)
