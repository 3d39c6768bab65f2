package gateway

import (
	"context"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// Objects reads deployment packages from an S3-compatible store; *s3.Client is one.
type Objects interface {
	// Get reads a whole object, in a version of it if that is not "". What the store has against it is a *lambda.Error.
	Get(ctx context.Context, bucket, key, version string) ([]byte, error)
}

// source returns the zip of a request's code, nil if there is none, or refuses where else the code is to come from.
func (c *call) source(code *api.FunctionCode) ([]byte, error) {
	fromS3 := given(code.S3Bucket) || given(code.S3Key) || given(code.S3ObjectVersion)
	switch {
	case fromS3 && code.ZipFile != nil:
		return nil, lambda.Errorf(lambda.KindInvalid, "Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case value(code.S3ObjectStorageMode) == "REFERENCE":
		return nil, api.NotYet("S3ObjectStorageMode REFERENCE")
	case given(code.ImageUri):
		return nil, api.NotYet("Code from a container image (ImageUri)")
	case given(code.SourceKMSKeyArn):
		return nil, api.NotYet("SourceKMSKeyArn")
	case len(code.ZipFile) > lambda.MaxZipBytes:
		return nil, lambda.Errorf(lambda.KindEntityTooLarge, "Zipped size must be smaller than %d bytes", lambda.MaxZipBytes)
	}
	if fromS3 {
		return c.object(code)
	}
	return code.ZipFile, nil
}

// object reads code that is in S3. It counts as an upload: as much memory is used.
func (c *call) object(code *api.FunctionCode) ([]byte, error) {
	if c.objects == nil {
		return nil, lambda.Errorf(lambda.KindInvalid, "Code from S3 (S3Bucket) needs an S3 endpoint, and this server has none; "+
			"its operator can give it one with thaw serve --s3-endpoint")
	}
	if !given(code.S3Bucket) || !given(code.S3Key) {
		return nil, lambda.Errorf(lambda.KindInvalid, "Please provide both S3Bucket and S3Key.")
	}
	if err := c.takeUpload(); err != nil {
		return nil, err
	}
	return c.objects.Get(c.r.Context(), *code.S3Bucket, *code.S3Key, value(code.S3ObjectVersion))
}
