package api_test

import (
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// FuzzCreateFunction: any body is decoded and checked or refused as the caller's mistake, with a bounded message.
func FuzzCreateFunction(f *testing.F) {
	f.Add([]byte(`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"ZipFile":"UEs="},"Tags":{"a":"b"},"Timeout":3}`))
	f.Add([]byte(`{"Layers":null,"Environment":{"Variables":{"1":"x"}},"VpcConfig":{},"Unknown":{}}`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in api.CreateFunctionRequest
		err := api.Decode(body, &in)
		if err == nil {
			err = in.Check()
		}
		if err == nil {
			return
		}
		if k := lambda.KindOf(err); k != lambda.KindInvalid && k != lambda.KindInvalidContent && k != lambda.KindValidation {
			t.Fatalf("%q: kind %d", body, k)
		}
		if len(err.Error()) > 32<<10 {
			t.Fatalf("a message of %d bytes", len(err.Error()))
		}
	})
}
