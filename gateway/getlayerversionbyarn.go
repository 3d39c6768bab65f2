package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) getLayerVersionByArn() error {
	arn := c.query("Arn")
	if err := api.CheckLayerARN(arn); err != nil {
		return err
	}
	ref, ok := lambda.ParseLayerARN(arn)
	if !ok {
		return lambda.Errorf(lambda.KindNotFound, "The resource you requested does not exist.")
	}
	if ref.Region != c.region {
		return lambda.Errorf(lambda.KindNotFound, "Layers from '%s' are not reachable in this region ('%s')", ref.Region, c.region)
	}
	return c.showLayerVersion(ref)
}
