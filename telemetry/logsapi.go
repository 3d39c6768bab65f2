package telemetry

import "time"

// logsEvent encodes a platform event in the form of the older Logs API, which has fewer events and members; nil for those
// it does not have. Source: AWS Lambda developer guide, "Using the Lambda Logs API".
func (s *Subscriber) logsEvent(at time.Time, r Record) []byte {
	switch r := r.(type) {
	case Start:
		return encode(at, r.Type(), Start{RequestID: r.RequestID, Version: r.Version})
	case RuntimeDone:
		if !s.RuntimeDone {
			return nil
		}
		return encode(at, r.Type(), struct {
			RequestID string `json:"requestId"`
			Status    Status `json:"status"`
		}{r.RequestID, r.Status})
	case Report:
		return encode(at, r.Type(), struct {
			RequestID string        `json:"requestId"`
			Metrics   ReportMetrics `json:"metrics"`
		}{r.RequestID, r.Metrics})
	case End, Fault, Extension, Subscription, LogsDropped:
		return Encode(at, r)
	}
	return nil
}
