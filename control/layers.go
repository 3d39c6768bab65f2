package control

import (
	"strings"

	"thaw.dev/thaw/lambda"
)

// Layers are the layers of all accounts; package layer has the implementation.
type Layers interface {
	// Resolve returns the layer versions of these ARNs, for a function of the account that the caller, an ARN too, makes
	// or changes. What the account may not use, or what there is not, is a *lambda.Error.
	Resolve(account, caller string, arns []string) ([]lambda.Layer, error)
	// CodeBytes is the sum of the sizes of the packages of the account's layer versions.
	CodeBytes(account string) int64
}

// useLayers gives c the layers of these ARNs; nil leaves those it has. Source of the texts: answers of AWS Lambda.
func (s *Functions) useLayers(c *lambda.Config, caller string, arns []string) error {
	if arns == nil {
		return nil
	}
	if len(arns) > lambda.MaxLayers {
		return lambda.Errorf(lambda.KindInvalid, "Cannot reference more than %d layers.", lambda.MaxLayers)
	}
	resolved, err := s.layers.Resolve(c.Account, caller, arns)
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, l := range resolved {
		layer := l.ARN[:strings.LastIndexByte(l.ARN, ':')]
		if other, twice := seen[layer]; twice {
			return lambda.Errorf(lambda.KindInvalid, "Two different versions of the same layer are not allowed to be referenced in the same function. "+
				"%s and %s are versions of the same layer.", other, l.ARN)
		}
		seen[layer] = l.ARN
	}
	c.Layers = resolved
	if len(resolved) == 0 {
		c.Layers = nil // as it is read back
	}
	return nil
}

// checkUnzipped refuses code that is too large together with the layers. Code alone was checked when it was stored.
func (s *Functions) checkUnzipped(c *lambda.Config) error {
	if len(c.Layers) == 0 {
		return nil
	}
	var sum int64
	for _, sha := range append(c.LayerDigests(), c.Code.SHA256) {
		n, err := s.packages.Unzipped(sha)
		if err != nil {
			return err
		}
		sum += n
	}
	if sum > lambda.MaxUnzippedBytes {
		return lambda.Errorf(lambda.KindInvalid, "Function code combined with layers exceeds the maximum allowed size of %d bytes. "+
			"The actual size is %d bytes.", lambda.MaxUnzippedBytes, sum)
	}
	return nil
}
