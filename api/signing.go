package api

// CodeSigningConfigRequest is the body of CreateCodeSigningConfig and, without Tags, of UpdateCodeSigningConfig.
type CodeSigningConfigRequest struct {
	Description         *string
	AllowedPublishers   *AllowedPublishers
	CodeSigningPolicies *CodeSigningPolicies
	Tags                map[string]string
}

// AllowedPublishers are the signing profiles whose signatures are trusted.
type AllowedPublishers struct {
	SigningProfileVersionArns []string
}

// CodeSigningPolicies say what happens to code without a trusted signature: Warn or Enforce.
type CodeSigningPolicies struct {
	UntrustedArtifactOnDeployment *string
}

// PutFunctionCodeSigningConfigRequest is the body of PutFunctionCodeSigningConfig.
type PutFunctionCodeSigningConfigRequest struct {
	CodeSigningConfigArn *string
}

// CodeSigningConfig is what the API tells about a code signing configuration.
type CodeSigningConfig struct {
	CodeSigningConfigId  string
	CodeSigningConfigArn string
	Description          string `json:",omitempty"`
	AllowedPublishers    AllowedPublishers
	CodeSigningPolicies  CodeSigningPolicies
	LastModified         string // FormatTimestamp
}

// CodeSigningConfigAnswer is the body of the operations on one code signing configuration.
type CodeSigningConfigAnswer struct {
	CodeSigningConfig CodeSigningConfig
}

// ListCodeSigningConfigsAnswer is the body of ListCodeSigningConfigs.
type ListCodeSigningConfigsAnswer struct {
	NextMarker         string `json:",omitempty"`
	CodeSigningConfigs []CodeSigningConfig
}

// ListFunctionsByCodeSigningConfigAnswer is the body of ListFunctionsByCodeSigningConfig.
type ListFunctionsByCodeSigningConfigAnswer struct {
	NextMarker   string `json:",omitempty"`
	FunctionArns []string
}

// FunctionCodeSigningConfigAnswer is the body of GetFunctionCodeSigningConfig and PutFunctionCodeSigningConfig.
type FunctionCodeSigningConfigAnswer struct {
	CodeSigningConfigArn string `json:",omitempty"` // absent if the function has none
	FunctionName         string
}

// Check is the constraint layer for CreateCodeSigningConfig.
func (r *CodeSigningConfigRequest) Check() error {
	var c Constraints
	c.Required("allowedPublishers", r.AllowedPublishers != nil)
	c.signing(r)
	c.Tags("tags", r.Tags)
	return c.Err()
}

// CheckUpdate is the constraint layer for UpdateCodeSigningConfig; arn is the path label.
func (r *CodeSigningConfigRequest) CheckUpdate(arn string) error {
	if r.Tags != nil {
		return NotYet("The setting Tags")
	}
	var c Constraints
	c.signingARN(&arn)
	c.signing(r)
	return c.Err()
}

// CheckSigningARN is the constraint layer for operations that need the ARN of a code signing configuration; maxItems is
// nil where there is none.
func CheckSigningARN(arn string, maxItems *int) error {
	var c Constraints
	c.signingARN(&arn)
	c.Range("maxItems", maxItems, 1, 10000)
	return c.Err()
}

// CheckMaxItems is the constraint layer for lists whose only input is a page.
func CheckMaxItems(maxItems *int) error {
	var c Constraints
	c.Range("maxItems", maxItems, 1, 10000)
	return c.Err()
}

// Check is the constraint layer for PutFunctionCodeSigningConfig; name is the path label.
func (r *PutFunctionCodeSigningConfigRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.Required("codeSigningConfigArn", r.CodeSigningConfigArn != nil)
	c.signingARN(r.CodeSigningConfigArn)
	return c.Err()
}

func (c *Constraints) signing(r *CodeSigningConfigRequest) {
	c.Length("description", r.Description, 0, 256)
	if p := r.AllowedPublishers; p != nil {
		const member = "allowedPublishers.signingProfileVersionArns"
		c.Required(member, p.SigningProfileVersionArns != nil)
		switch n := len(p.SigningProfileVersionArns); {
		case p.SigningProfileVersionArns == nil:
		case n < 1:
			c.fail("'[]'", member, "Member must have length greater than or equal to 1")
		case n > 20:
			c.fail("", member, "Member must have length less than or equal to 20")
		}
		for _, arn := range p.SigningProfileVersionArns {
			c.Match(member, &arn, signingProfile)
		}
	}
	if p := r.CodeSigningPolicies; p != nil {
		c.Enum("codeSigningPolicies.untrustedArtifactOnDeployment", p.UntrustedArtifactOnDeployment, "Warn", "Enforce")
	}
}

func (c *Constraints) signingARN(arn *string) {
	c.Length("codeSigningConfigArn", arn, 0, 200)
	c.Match("codeSigningConfigArn", arn, codeSigningConfig)
}

// Patterns of the service model for code signing (November 2026).
var (
	codeSigningConfig = newPattern(`arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}`)
	signingProfile    = newPattern(`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)
)
