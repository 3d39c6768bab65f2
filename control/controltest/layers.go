package controltest

import (
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// Layers are layer versions by their ARNs, which every account may use.
type Layers map[string]lambda.Code

var _ control.Layers = (Layers)(nil)

// Resolve looks the ARNs up.
func (l Layers) Resolve(_, _ string, arns []string) ([]lambda.Layer, error) {
	var list []lambda.Layer
	for _, arn := range arns {
		code, ok := l[arn]
		if !ok {
			return nil, lambda.Errorf(lambda.KindInvalid, "Layer version %s does not exist.", arn)
		}
		list = append(list, lambda.Layer{ARN: arn, Code: code})
	}
	return list, nil
}

// CodeBytes is the sum of all sizes.
func (l Layers) CodeBytes(string) int64 {
	var sum int64
	for _, code := range l {
		sum += code.Size
	}
	return sum
}
