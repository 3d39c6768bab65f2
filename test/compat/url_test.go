package compat_test

import (
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

const webSource = `
import base64

def handler(event, context):
    http, path = event["requestContext"]["http"], event["rawPath"]
    if path == "/fail":
        raise ValueError("on purpose")
    if path == "/string":
        return "just text"
    if path == "/binary":
        return {"statusCode": 200, "headers": {"content-type": "image/png"}, "body": base64.b64encode(b"\xff\x00\xfe").decode(), "isBase64Encoded": True}
    if path == "/who":
        return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["iam"]["userArn"]}
    said = [http["method"], path, event.get("queryStringParameters", {}).get("x"), "|".join(event.get("cookies", [])), event.get("body"), event["isBase64Encoded"]]
    return {"statusCode": 201, "headers": {"X-Custom": "yes"}, "cookies": ["a=1; Secure", "b=2"], "body": " ".join(map(str, said))}
`

const streamSource = `
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 203, headers: { "X-Custom": "streamed", "Content-Type": "text/plain" } })
  stream.write("one ")
  stream.write("two")
  stream.end()
})
`

// TestFunctionURLs: permissions with the AWS CLI, and visits with curl.
func TestFunctionURLs(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	for _, name := range []string{"aws", "curl", "od"} {
		testenv.NeedsCommand(t, name)
	}
	w := newTour(t)
	w.env = append(w.env, "TOUR_NODE="+thawtest.Node(t))
	w.write(t, "web.zip", thawtest.Zip(t, thawtest.Files{"web.py": webSource}))
	w.write(t, "stream.zip", thawtest.Zip(t, thawtest.Files{"stream.js": streamSource}))
	w.run(t, []string{"create", "url", "permissions", "visit", "cross origin", "signed", "alias", "stream", "delete"},
		testenv.NeedsCommand(t, "bash"), beside(t, "url.sh"))
}
