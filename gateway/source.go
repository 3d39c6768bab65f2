package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// source returns the zip of a request's code, nil if there is none, or refuses where else the code is to come from.
func (c *call) source(code *api.FunctionCode) ([]byte, error) {
	switch {
	case given(code.S3Bucket), given(code.S3Key), given(code.S3ObjectVersion):
		return nil, api.NotYet("Code from S3 (S3Bucket)")
	case value(code.S3ObjectStorageMode) == "REFERENCE":
		return nil, api.NotYet("S3ObjectStorageMode REFERENCE")
	case given(code.ImageUri):
		return nil, api.NotYet("Code from a container image (ImageUri)")
	case given(code.SourceKMSKeyArn):
		return nil, api.NotYet("SourceKMSKeyArn")
	case len(code.ZipFile) > lambda.MaxZipBytes:
		return nil, lambda.Errorf(lambda.KindEntityTooLarge, "Zipped size must be smaller than %d bytes", lambda.MaxZipBytes)
	}
	return code.ZipFile, nil
}
