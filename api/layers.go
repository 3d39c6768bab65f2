package api

import (
	"strconv"
	"strings"

	"thaw.dev/thaw/lambda"
)

// PublishLayerVersionRequest is the body of PublishLayerVersion.
type PublishLayerVersionRequest struct {
	Content                 *LayerContent
	Description             *string
	LicenseInfo             *string
	CompatibleRuntimes      []string
	CompatibleArchitectures []string
}

// LayerContent says where a new layer version's zip comes from.
type LayerContent struct {
	ZipFile             []byte // base64 in JSON
	S3Bucket            *string
	S3Key               *string
	S3ObjectVersion     *string
	S3ObjectStorageMode *string
}

// AddLayerVersionPermissionRequest is the body of AddLayerVersionPermission.
type AddLayerVersionPermissionRequest struct {
	StatementId    *string
	Action         *string
	Principal      *string
	OrganizationId *string
}

// LayerVersion is what the API tells about a layer version. Members without a value are left out.
type LayerVersion struct {
	Content                 *LayerContentAnswer `json:",omitempty"` // not in lists
	LayerArn                string              `json:",omitempty"` // not in lists
	LayerVersionArn         string
	Description             string   // present even if empty
	CreatedDate             string   // FormatTimestamp
	Version                 int      // from 1
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
}

// LayerContentAnswer is where a layer version's zip can be fetched for ten minutes.
type LayerContentAnswer struct {
	Location   string
	CodeSha256 string // base64 of the SHA-256 of the zip
	CodeSize   int64  // bytes of the zip
}

// ListLayerVersionsAnswer is the body of ListLayerVersions.
type ListLayerVersionsAnswer struct {
	NextMarker    string `json:",omitempty"`
	LayerVersions []LayerVersion
}

// ListLayersAnswer is the body of ListLayers.
type ListLayersAnswer struct {
	NextMarker string `json:",omitempty"`
	Layers     []LayerSummary
}

// LayerSummary is a layer in a list.
type LayerSummary struct {
	LayerName             string
	LayerArn              string
	LatestMatchingVersion LayerVersion
}

// AddLayerVersionPermissionAnswer is the body of AddLayerVersionPermission.
type AddLayerVersionPermissionAnswer struct {
	Statement  string // JSON text
	RevisionId string
}

// LayerVersionPolicyAnswer is the body of GetLayerVersionPolicy.
type LayerVersionPolicyAnswer struct {
	Policy     string // JSON text
	RevisionId string
}

// FunctionLayer is a layer in a function's configuration.
type FunctionLayer struct {
	Arn      string
	CodeSize int64 // bytes of the zip
}

// Check is the constraint layer for PublishLayerVersion; name is the path label.
func (r *PublishLayerVersionRequest) Check(name string) error {
	var c Constraints
	c.layer(name)
	c.Required("content", r.Content != nil)
	if r.Content != nil {
		c.object("content.", r.Content.S3Bucket, r.Content.S3Key, r.Content.S3ObjectVersion, r.Content.S3ObjectStorageMode)
	}
	c.Length("description", r.Description, 0, 256)
	c.Length("licenseInfo", r.LicenseInfo, 0, 512)
	c.EnumList("compatibleRuntimes", r.CompatibleRuntimes, 0, 15, runtimes...)
	c.EnumList("compatibleArchitectures", r.CompatibleArchitectures, 0, 2, "x86_64", "arm64")
	return c.Err()
}

// Check is the constraint layer for AddLayerVersionPermission; name is the path label.
func (r *AddLayerVersionPermissionRequest) Check(name string) error {
	var c Constraints
	c.layer(name)
	c.Required("statementId", r.StatementId != nil)
	c.statement(r.StatementId)
	c.Required("action", r.Action != nil)
	c.Match("action", r.Action, layerAction)
	c.Required("principal", r.Principal != nil)
	c.Match("principal", r.Principal, layerPrincipal)
	c.Match("organizationId", r.OrganizationId, organization)
	return c.Err()
}

// CheckLayerStatement is the constraint layer for RemoveLayerVersionPermission.
func CheckLayerStatement(name, statement string) error {
	var c Constraints
	c.layer(name)
	c.statement(&statement)
	return c.Err()
}

// CheckLayer is the constraint layer for operations that need no more than a layer's name or ARN.
func CheckLayer(name string) error {
	var c Constraints
	c.layer(name)
	return c.Err()
}

// CheckLayerARN is the constraint layer for GetLayerVersionByArn.
func CheckLayerARN(arn string) error {
	var c Constraints
	c.Required("arn", arn != "")
	if arn != "" {
		c.Length("arn", &arn, 1, 140)
		c.Match("arn", &arn, layerVersionARN)
	}
	return c.Err()
}

// CheckLayers is the constraint layer for what lists of layers have beside a name; "" and nil mean absent.
func CheckLayers(runtime, architecture string, maxItems *int) error {
	var c Constraints
	if runtime != "" {
		c.Enum("compatibleRuntime", &runtime, runtimes...)
	}
	if architecture != "" {
		c.Enum("compatibleArchitecture", &architecture, "x86_64", "arm64")
	}
	c.Range("maxItems", maxItems, 1, 50)
	return c.Err()
}

// LayerVersionNumber reads the number of a path. One below 1 is for whoever knows layers to refuse.
func LayerVersionNumber(label string) (int, error) {
	n, err := strconv.Atoi(label)
	if err != nil {
		return 0, lambda.Errorf(lambda.KindValidation,
			"1 validation error detected: Value %s at 'versionNumber' failed to satisfy constraint: Member must be a number", quote(label))
	}
	return n, nil
}

func (c *Constraints) layer(name string) {
	c.Length("layerName", &name, 1, 140)
	c.Match("layerName", &name, layerName)
}

func (c *Constraints) statement(id *string) {
	c.Length("statementId", id, 1, 100)
	c.Match("statementId", id, statementID)
}

// layers checks the ARNs of the layers a function is to use.
func (c *Constraints) layers(list []string) {
	for _, arn := range list {
		if len(arn) < 1 || len(arn) > 2048 || !layerVersionARN.Matches(arn) {
			c.fail(quote("["+strings.Join(list, ", ")+"]"), "layers", "Member must satisfy constraint: [Member must have length less than or equal to 2048, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+layerVersionARN.text+", Member must not be null]")
			return
		}
	}
}

// Patterns of the service model for layers (November 2026).
var (
	layerName       = newPattern(`(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+`)
	layerVersionARN = newPattern(`(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`)
	layerAction     = newPattern(`lambda:GetLayerVersion`)
	layerPrincipal  = newPattern(`\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root`)
	organization    = newPattern(`o-[a-z0-9]{10,32}`)
	statementID     = newPattern(`([a-zA-Z0-9-_]+)`)
)

// runtimes are all that the service model knows, also those that Thaw does not run: a layer may be for any. Source: Lambda
// API, Runtime.
var runtimes = strings.Fields(`nodejs nodejs4.3 nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x nodejs16.x
	nodejs18.x nodejs20.x nodejs22.x nodejs24.x nodejs26.x java8 java8.al2 java11 java17 java21 java25
	python2.7 python3.6 python3.7 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 python3.15
	dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1 dotnet6 dotnet8 dotnet10 go1.x ruby2.5 ruby2.7 ruby3.2 ruby3.3
	ruby3.4 provided provided.al2 provided.al2023`)
