package api

// LogsTarget is the prefix of the X-Amz-Target header in calls of CloudWatch Logs.
const LogsTarget = "Logs_20140328."

// FilterLogEventsRequest selects events of a log group. Times are Unix milliseconds; 0 does not restrict.
type FilterLogEventsRequest struct {
	LogGroupName        string   `json:"logGroupName"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           int64    `json:"startTime"`
	EndTime             int64    `json:"endTime"`
	FilterPattern       string   `json:"filterPattern"`
	Limit               int      `json:"limit"` // 1 to 10,000; 0 means 10,000
	NextToken           string   `json:"nextToken"`
}

// FilterLogEventsAnswer is a page of events.
type FilterLogEventsAnswer struct {
	Events             []FilteredLogEvent `json:"events"`
	SearchedLogStreams []struct{}         `json:"searchedLogStreams"` // always empty: deprecated by AWS
	NextToken          string             `json:"nextToken,omitempty"`
}

// FilteredLogEvent is one event. Times are Unix milliseconds.
type FilteredLogEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

// TargetErrorBody is the JSON body of an error of a service that is called through X-Amz-Target.
func TargetErrorBody(typ, message string) []byte {
	b, _ := Encode(struct { // strings always encode
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{typ, message})
	return b
}
