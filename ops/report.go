package ops

import (
	"thaw.dev/thaw/async"
	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/pool"
)

// Report is the answer to GET /status. Members are only ever added.
type Report struct {
	Pool       pool.Status          `json:"pool"`
	Totals     metrics.Totals       `json:"totals"`
	ColdStarts []metrics.ColdStarts `json:"cold_starts"` // of the last metrics.RecentWindow
	Process    metrics.Process      `json:"process"`
	Disk       *metrics.Disk        `json:"disk,omitempty"`
	Events     *async.Summary       `json:"events,omitempty"` // the queue, with its reportedLanes longest lanes
}

// reportedLanes bounds the lanes of a Report.
const reportedLanes = 50
