package api_test

import (
	"strings"
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

// FuzzAlias: what passes for an alias is a name that is no number, with weights from 0 to 1.
func FuzzAlias(f *testing.F) {
	f.Add([]byte(`{"Name":"live","FunctionVersion":"1","Description":"d","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`))
	f.Add([]byte(`{"Name":"12","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":{"":null,"$LATEST":1e308}}}`))
	f.Add([]byte(`{"RoutingConfig":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in api.CreateAliasRequest
		err := api.Decode(body, &in)
		if err == nil {
			err = in.Check("f")
		}
		if err != nil {
			if k := lambda.KindOf(err); k != lambda.KindInvalid && k != lambda.KindInvalidContent && k != lambda.KindValidation || len(err.Error()) > 32<<10 {
				t.Fatalf("%q: kind %d, %d bytes", body, k, len(err.Error()))
			}
			return
		}
		if *in.Name == "" || strings.Trim(*in.Name, "0123456789") == "" || strings.ContainsAny(*in.Name, "$:/ \n") || *in.FunctionVersion == "" {
			t.Fatalf("%q has the name %q and the version %q", body, *in.Name, *in.FunctionVersion)
		}
		if in.RoutingConfig != nil {
			for version, weight := range in.RoutingConfig.AdditionalVersionWeights {
				if strings.Trim(version, "0123456789") != "" || version == "" || !(*weight >= 0 && *weight <= 1) {
					t.Fatalf("%q has the weight %v of version %q", body, *weight, version)
				}
			}
		}
	})
}

// FuzzLayers: what passes for the layers of a function are ARNs, and messages about others stay short.
func FuzzLayers(f *testing.F) {
	f.Add([]byte(`{"Layers":["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}`))
	f.Add([]byte(`{"Layers":["arn:aws:lambda:::awslayer:AmazonLinux1803","",null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in api.UpdateFunctionConfigurationRequest
		err := api.Decode(body, &in)
		if err == nil {
			err = in.Check("f")
		}
		if err != nil {
			if k := lambda.KindOf(err); k != lambda.KindInvalid && k != lambda.KindInvalidContent && k != lambda.KindValidation || len(err.Error()) > 32<<10 {
				t.Fatalf("%q: kind %d, %d bytes", body, k, len(err.Error()))
			}
			return
		}
		for _, arn := range in.Layers {
			if ref, ok := lambda.ParseLayerARN(arn); !ok && !strings.Contains(arn, ":awslayer:") && !strings.HasPrefix(arn, "arn:") || ok && ref.ARN() != arn && strings.HasPrefix(arn, "arn:aws:") {
				t.Fatalf("%q has the layer %q, read as %+v", body, arn, ref)
			}
		}
	})
}
