package lambda_test

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

func TestParseLayerARN(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:us-east-1:123456789012:layer:my-layer_1"
	want := lambda.LayerRef{Region: "us-east-1", Account: "123456789012", Name: "my-layer_1"}
	if got, ok := lambda.ParseLayerARN(arn); !ok || got != want || got.ARN() != arn {
		t.Errorf("got %+v %v", got, ok)
	}
	want.Version = 42
	if got, ok := lambda.ParseLayerARN(arn + ":42"); !ok || got != want || got.ARN() != arn+":42" || got.Layer().ARN() != arn {
		t.Errorf("got %+v %v", got, ok)
	}
	for _, bad := range []string{
		"", "my-layer", arn + ":", arn + ":0", arn + ":01", arn + ":x", arn + ":1:2", arn + ":1234567890", arn + "\n",
		"arn:aws:lambda:us-east-1:12345:layer:x:1", "arn:aws:lambda:us-east-1:123456789012:function:x:1",
	} {
		if got, ok := lambda.ParseLayerARN(bad); ok {
			t.Errorf("%q passes for %+v", bad, got)
		}
	}
}
