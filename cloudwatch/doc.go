// Package cloudwatch answers the operations of CloudWatch Logs that tools use around Lambda: groups (groups.go), streams
// (streams.go), retention (retention.go), tags (tags.go), writing events (putlogevents.go) and reading them: one stream
// (getlogevents.go), a group by pattern (filterlogevents.go), and as they come (livetail.go). The functions' own logs are
// in the same groups.
//
// It owns the wire shapes, the checks and the error texts of these operations. It does not own storage (package store),
// patterns (package logpattern), nor HTTP and who may call (package gateway). Accounts see their own groups only: the
// account of each call comes from its signature.
//
// Errors for callers are *lambda.Error: KindNotFound, KindInvalid, KindConflict for what exists already, KindThrottled for
// limits, KindNotImplemented. Source: CloudWatch Logs API reference, 2014-03-28.
package cloudwatch
