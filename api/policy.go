package api

// AddPermissionRequest is the body of AddPermission.
type AddPermissionRequest struct {
	StatementId           *string
	Action                *string
	Principal             *string
	SourceArn             *string
	SourceAccount         *string
	EventSourceToken      *string
	PrincipalOrgID        *string
	FunctionUrlAuthType   *string
	InvokedViaFunctionUrl *bool
	RevisionId            *string
}

// AddPermissionAnswer carries the new statement as JSON text.
type AddPermissionAnswer struct {
	Statement string
}

// PolicyAnswer carries a resource policy as JSON text.
type PolicyAnswer struct {
	Policy     string
	RevisionId string
}

// PutResourcePolicyRequest is the body of PutResourcePolicy.
type PutResourcePolicyRequest struct {
	Policy     *string
	RevisionId *string
}

// Patterns of the members above. Source: service model.
var (
	permittedAction = newPattern(`(lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	principal       = newPattern(`[^\s]+`)
	sourceARN       = newPattern(`arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)
	accountID       = newPattern(`\d{12}`)
	sourceToken     = newPattern(`[a-zA-Z0-9._\-]+`)
	policyResource  = newPattern(`arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:function:[a-zA-Z0-9-_]+(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`)
)

// Check is the constraint layer for AddPermission; name is the path label, query the Qualifier, "" if there is none.
func (r *AddPermissionRequest) Check(name, query string) error {
	var c Constraints
	c.writeName(&name)
	c.query(query)
	c.Required("statementId", r.StatementId != nil)
	c.statement(r.StatementId)
	c.Required("action", r.Action != nil)
	c.Match("action", r.Action, permittedAction)
	c.Required("principal", r.Principal != nil)
	c.Match("principal", r.Principal, principal)
	c.Match("sourceArn", r.SourceArn, sourceARN)
	c.Length("sourceAccount", r.SourceAccount, 0, 12)
	c.Match("sourceAccount", r.SourceAccount, accountID)
	c.Length("eventSourceToken", r.EventSourceToken, 0, 256)
	c.Match("eventSourceToken", r.EventSourceToken, sourceToken)
	c.Length("principalOrgID", r.PrincipalOrgID, 12, 34)
	c.Match("principalOrgID", r.PrincipalOrgID, organization)
	c.Enum("functionUrlAuthType", r.FunctionUrlAuthType, "NONE", "AWS_IAM")
	return c.Err()
}

// CheckStatement is the constraint layer for RemovePermission: the path labels and the Qualifier, "" if there is none.
func CheckStatement(name, id, query string) error {
	var c Constraints
	c.writeName(&name)
	c.statement(&id)
	c.query(query)
	return c.Err()
}

// CheckPolicyResource is the constraint layer for the operations on a policy by its resource's ARN, the path label.
func CheckPolicyResource(arn string) error {
	var c Constraints
	c.policyResource(arn)
	return c.Err()
}

// Check is the constraint layer for PutResourcePolicy; arn is the path label.
func (r *PutResourcePolicyRequest) Check(arn string) error {
	var c Constraints
	c.policyResource(arn)
	c.Required("policy", r.Policy != nil)
	return c.Err()
}

func (c *Constraints) policyResource(arn string) {
	c.Length("resourceArn", &arn, 1, 256)
	c.Match("resourceArn", &arn, policyResource)
}

// query checks the Qualifier of a query; "" if there is none.
func (c *Constraints) query(q string) {
	if q != "" {
		c.Length("qualifier", &q, 1, 128)
		c.Match("qualifier", &q, qualifier)
	}
}
