package gateway

import (
	"strconv"
	"strings"

	"thaw.dev/thaw/lambda"
)

// layerPrefix begins the paths of layer downloads: ACCOUNT/LAYER/VERSION follows.
const layerPrefix = "/_thaw/layer/"

// layerPath is where the version's zip can be fetched.
func layerPath(ref lambda.LayerRef) string {
	return layerPrefix + ref.Account + "/" + ref.Name + "/" + strconv.Itoa(ref.Version)
}

// downloadLayer sends a layer version's zip to whoever has a valid presigned URL and may still get the version.
func (c *call) downloadLayer(path string) error {
	if err := c.mayDownload(); err != nil {
		return err
	}
	parts := strings.Split(path, "/")
	if len(parts) != 3 {
		return c.unknown()
	}
	number, err := strconv.Atoi(parts[2])
	if err != nil {
		return c.unknown()
	}
	ref := lambda.LayerRef{Region: c.region, Account: parts[0], Name: parts[1], Version: number}
	if err := c.allowOwn("lambda:GetLayerVersion", ref.ARN()); err != nil {
		return packageGone()
	}
	v, err := c.layers.Get(c.layerCaller(), ref)
	if err != nil {
		return packageGone()
	}
	return c.sendPackage(v.Code.SHA256)
}
