package cloudwatch

import (
	"slices"

	"thaw.dev/thaw/store"
)

// retentions are the numbers of days that a policy may have. Source: CloudWatch Logs API, PutRetentionPolicy.
var retentions = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

type putRetentionPolicyRequest struct {
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays"`
}

func (c *call) putRetentionPolicy(in *putRetentionPolicyRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	if !slices.Contains(retentions, in.RetentionInDays) {
		return nil, invalid("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: "+
			"Member must satisfy enum value set: %v", in.RetentionInDays, retentions)
	}
	return nil, c.retain(in.LogGroupName, in.RetentionInDays)
}

func (c *call) deleteRetentionPolicy(in *groupRequest) (any, error) {
	if err := checkGroup(in.LogGroupName); err != nil {
		return nil, err
	}
	return nil, c.retain(in.LogGroupName, 0)
}

func (c *call) retain(group string, days int) error {
	return c.store.UpdateGroup(c.ctx, c.account, group, func(g store.LogGroup) (store.LogGroup, error) {
		g.RetentionDays = days
		return g, nil
	})
}
