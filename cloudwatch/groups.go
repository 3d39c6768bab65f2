package cloudwatch

import (
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

type createLogGroupRequest struct {
	LogGroupName              string            `json:"logGroupName"`
	KmsKeyID                  string            `json:"kmsKeyId"`
	Tags                      map[string]string `json:"tags"`
	LogGroupClass             string            `json:"logGroupClass"`
	DeletionProtectionEnabled bool              `json:"deletionProtectionEnabled"`
}

func (c *call) createLogGroup(in *createLogGroupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	switch {
	case in.KmsKeyID != "":
		return nil, notYet("kmsKeyId")
	case in.DeletionProtectionEnabled:
		return nil, notYet("deletionProtectionEnabled")
	case in.LogGroupClass != "" && in.LogGroupClass != standard:
		return nil, notYet("logGroupClass " + in.LogGroupClass)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return nil, c.store.CreateGroup(c.ctx, c.account, in.LogGroupName, in.Tags)
}

// standard is the only class of log groups here.
const standard = "STANDARD"

func notYet(what string) error {
	return lambda.Errorf(lambda.KindInvalid, "%.64s is not implemented by Thaw", what)
}

type groupRequest struct {
	LogGroupName string `json:"logGroupName"`
}

func (c *call) deleteLogGroup(in *groupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	return nil, c.store.DeleteGroup(c.ctx, c.account, in.LogGroupName)
}

type describeLogGroupsRequest struct {
	LogGroupNamePrefix    string   `json:"logGroupNamePrefix"`
	LogGroupNamePattern   string   `json:"logGroupNamePattern"`
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
	LogGroupClass         string   `json:"logGroupClass"`
	AccountIdentifiers    []string `json:"accountIdentifiers"`
	IncludeLinkedAccounts bool     `json:"includeLinkedAccounts"`
	Limit                 *int     `json:"limit"`
	NextToken             string   `json:"nextToken"`
}

type logGroup struct {
	LogGroupName      string `json:"logGroupName"`
	CreationTime      int64  `json:"creationTime"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"`
	MetricFilterCount int    `json:"metricFilterCount"` // there are no metric filters
	Arn               string `json:"arn"`
	StoredBytes       int64  `json:"storedBytes"` // 0: AWS has it hours later, too
	LogGroupClass     string `json:"logGroupClass"`
	LogGroupArn       string `json:"logGroupArn"`
}

type describeLogGroupsAnswer struct {
	LogGroups []logGroup `json:"logGroups"`
	NextToken string     `json:"nextToken,omitempty"`
}

func (c *call) describeLogGroups(in *describeLogGroupsRequest) (any, error) {
	switch {
	case in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "":
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case in.IncludeLinkedAccounts || len(in.AccountIdentifiers) > 0:
		return nil, notYet("includeLinkedAccounts")
	}
	var names []string
	for _, identifier := range in.LogGroupIdentifiers {
		name, err := c.identified(identifier)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	groups, err := c.store.Groups(c.ctx, c.account)
	if err != nil {
		return nil, err
	}
	groups = slices.DeleteFunc(groups, func(g store.LogGroup) bool {
		return !strings.HasPrefix(g.Name, in.LogGroupNamePrefix) || !strings.Contains(g.Name, in.LogGroupNamePattern) ||
			in.LogGroupClass != "" && in.LogGroupClass != standard || names != nil && !slices.Contains(names, g.Name)
	})
	name := func(g store.LogGroup) string { return g.Name }
	groups, next, err := page(groups, in.Limit, in.NextToken, name, func(g store.LogGroup, last string) bool { return g.Name > last })
	if err != nil {
		return nil, err
	}
	answer := describeLogGroupsAnswer{LogGroups: []logGroup{}, NextToken: next}
	for _, g := range groups {
		answer.LogGroups = append(answer.LogGroups, logGroup{
			LogGroupName: g.Name, CreationTime: millis(g.Created), RetentionInDays: g.RetentionDays,
			Arn: c.arn(g.Name) + ":*", LogGroupArn: c.arn(g.Name), LogGroupClass: standard,
		})
	}
	return answer, nil
}
