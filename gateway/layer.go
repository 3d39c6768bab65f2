package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/layer"
)

// layerVersion is how lists show a version of the account's layer.
func (c *call) layerVersion(account string, v *layer.Version) api.LayerVersion {
	return api.LayerVersion{
		LayerVersionArn:         c.layers.Ref(account, v).ARN(),
		Description:             v.Description,
		CreatedDate:             api.FormatTimestamp(v.Created),
		Version:                 v.Number,
		CompatibleRuntimes:      v.Runtimes,
		LicenseInfo:             v.License,
		CompatibleArchitectures: v.Architectures,
	}
}

// wholeLayerVersion is layerVersion with what lists leave out.
func (c *call) wholeLayerVersion(account string, v *layer.Version) (api.LayerVersion, error) {
	ref := c.layers.Ref(account, v)
	location, err := c.verifier.PresignGet(c.caller, c.origin(), layerPath(ref), locationLife)
	if err != nil {
		return api.LayerVersion{}, err
	}
	a := c.layerVersion(account, v)
	a.Content = &api.LayerContentAnswer{Location: location, CodeSha256: v.Code.Base64(), CodeSize: v.Code.Size}
	a.LayerArn = ref.Layer().ARN()
	return a, nil
}

// namedLayer returns the layer that the path names, of the caller's account or, by its ARN, of any. Errors: KindValidation,
// KindInvalid for another region.
func (c *call) namedLayer() (lambda.LayerRef, error) {
	name := c.label(0)
	if err := api.CheckLayer(name); err != nil {
		return lambda.LayerRef{}, err
	}
	ref, isARN := lambda.ParseLayerARN(name)
	switch {
	case !isARN:
		return lambda.LayerRef{Region: c.region, Account: c.caller.AccountID, Name: name}, nil
	case ref.Version != 0:
		return ref, lambda.Errorf(lambda.KindInvalid, "Invalid layer name or ARN: %.256s", name)
	case ref.Region != c.region:
		return ref, lambda.Errorf(lambda.KindNotFound, "Layers from '%s' are not reachable in this region ('%s')", ref.Region, c.region)
	}
	return ref, nil
}

// ownLayer is namedLayer for operations that only the layer's own account may call.
func (c *call) ownLayer() (lambda.LayerRef, error) {
	ref, err := c.namedLayer()
	if err == nil && ref.Account != c.caller.AccountID {
		err = lambda.Errorf(lambda.KindDenied, "User: %s is not authorized to perform: lambda:%s on resource: %s "+
			"because no resource-based policy allows the lambda:%s action", c.caller.ARN, c.route.name, ref.ARN(), c.route.name)
	}
	return ref, err
}

// numbered adds the version that the path names.
func (c *call) numbered(ref lambda.LayerRef, err error) (lambda.LayerRef, error) {
	if err == nil {
		ref.Version, err = api.LayerVersionNumber(c.label(1))
	}
	return ref, err
}

func (c *call) layerCaller() layer.Caller {
	return layer.Caller{Account: c.caller.AccountID, ARN: c.caller.ARN}
}

// layerFilter reads the query of a list of layers.
func (c *call) layerFilter() (layer.Filter, page, error) {
	q := c.r.URL.Query()
	f := layer.Filter{Runtime: q.Get("CompatibleRuntime"), Architecture: q.Get("CompatibleArchitecture")}
	limit, err := maxItems(q.Get("MaxItems"))
	if err != nil {
		return f, page{}, err
	}
	if err := api.CheckLayers(f.Runtime, f.Architecture, limit); err != nil {
		return f, page{}, err
	}
	p, err := readPage(q.Get("Marker"), limit)
	return f, p, err
}

var layerHandlers = map[string]handler{
	"PublishLayerVersion":          {(*call).publishLayerVersion, codeBody},
	"GetLayerVersion":              {(*call).getLayerVersion, smallBody},
	"GetLayerVersionByArn":         {(*call).getLayerVersionByArn, smallBody},
	"DeleteLayerVersion":           {(*call).deleteLayerVersion, smallBody},
	"ListLayers":                   {(*call).listLayers, smallBody},
	"ListLayerVersions":            {(*call).listLayerVersions, smallBody},
	"AddLayerVersionPermission":    {(*call).addLayerVersionPermission, smallBody},
	"GetLayerVersionPolicy":        {(*call).getLayerVersionPolicy, smallBody},
	"RemoveLayerVersionPermission": {(*call).removeLayerVersionPermission, smallBody},
}
