package control

import (
	"encoding/json"
	"time"

	"thaw.dev/thaw/lambda"
)

// content is everything of c that a publication fixes, in a form that can be compared: not its name, revision and state.
func content(c *lambda.Config) string {
	d := *c
	d.Version, d.RevisionID, d.LastModified, d.Optimized = "", "", time.Time{}, false
	d.State, d.StateReason, d.StateReasonCode = "", "", ""
	d.UpdateStatus, d.UpdateReason, d.UpdateReasonCode = "", "", ""
	b, _ := json.Marshal(&d) // a configuration always encodes: it was stored
	return string(b)
}
