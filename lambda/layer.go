package lambda

import (
	"regexp"
	"strconv"
)

// MaxLayers is the number of layers that one function may use. Source: AWS Lambda developer guide, "Lambda quotas".
const MaxLayers = 5

// LayerRef names a layer, or a version of it if Version is not 0.
type LayerRef struct {
	Region, Account, Name string
	Version               int
}

// ARN is the layer's, or the version's.
func (r LayerRef) ARN() string {
	arn := "arn:aws:lambda:" + r.Region + ":" + r.Account + ":layer:" + r.Name
	if r.Version != 0 {
		arn += ":" + strconv.Itoa(r.Version)
	}
	return arn
}

// Layer is r without its version.
func (r LayerRef) Layer() LayerRef {
	r.Version = 0
	return r
}

var layerARN = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-z]{2}(?:-[a-z]+)+-[0-9]):([0-9]{12}):layer:([a-zA-Z0-9-_]{1,140})(?::([1-9][0-9]{0,8}))?$`)

// ParseLayerARN reads the ARN of a layer or of a layer's version; false if s is neither.
func ParseLayerARN(s string) (LayerRef, bool) {
	m := layerARN.FindStringSubmatch(s)
	if m == nil {
		return LayerRef{}, false
	}
	version, _ := strconv.Atoi(m[4]) // digits, or "" for none
	return LayerRef{Region: m[1], Account: m[2], Name: m[3], Version: version}, true
}
