package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/layer"
)

func (c *call) publishLayerVersion() error {
	var in api.PublishLayerVersionRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	c.body = nil // a large one; the zip was copied out of it
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	ref, err := c.ownLayer()
	if err != nil {
		return err
	}
	from := in.Content
	zip, err := c.source(&api.FunctionCode{
		ZipFile: from.ZipFile, S3Bucket: from.S3Bucket, S3Key: from.S3Key, S3ObjectVersion: from.S3ObjectVersion,
		S3ObjectStorageMode: from.S3ObjectStorageMode,
	})
	if err != nil {
		return err
	}
	v, err := c.layers.Publish(c.r.Context(), layer.PublishInput{
		Account: ref.Account, Name: ref.Name, Zip: zip, Description: value(in.Description), License: value(in.LicenseInfo),
		Runtimes: in.CompatibleRuntimes, Architectures: in.CompatibleArchitectures,
	})
	if err != nil {
		return err
	}
	answer, err := c.wholeLayerVersion(ref.Account, v)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, answer)
}
