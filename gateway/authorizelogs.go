package gateway

import (
	"encoding/json"
	"strings"
)

// logTargets are the members by which requests of CloudWatch Logs say what they are about.
type logTargets struct {
	LogGroupName        string
	LogGroupIdentifier  string
	LogGroupIdentifiers []string
	LogStreamName       string
	ResourceARN         string
}

// authorizeLogs refuses an operation of CloudWatch Logs that the caller's own policies do not allow, on each of the log groups
// that the request names. A group is arn:aws:logs:<region>:<account>:log-group:<name>:log-stream:<stream>, without a stream that
// is empty: policies name groups with :* behind them.
func (c *call) authorizeLogs(operation string) error {
	if c.unrestricted() {
		return nil
	}
	var in logTargets
	_ = json.Unmarshal(c.body, &in) // the operation refuses what it cannot read
	groups := append(in.LogGroupIdentifiers, in.LogGroupName, in.LogGroupIdentifier, in.ResourceARN)
	named := false
	for _, group := range groups {
		if group == "" {
			continue
		}
		named = true
		if _, name, ok := strings.Cut(group, ":log-group:"); ok {
			group = strings.TrimSuffix(name, ":*")
		}
		arn := "arn:aws:logs:" + c.region + ":" + c.caller.AccountID + ":log-group:" + group + ":log-stream:" + in.LogStreamName
		if err := c.allowOwn("logs:"+operation, arn); err != nil {
			return err
		}
	}
	if named {
		return nil
	}
	return c.allowOwn("logs:"+operation, "arn:aws:logs:"+c.region+":"+c.caller.AccountID+":log-group::log-stream:")
}
