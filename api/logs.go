package api

// LogsTarget is the prefix of the X-Amz-Target header in calls of CloudWatch Logs.
const LogsTarget = "Logs_20140328."

// TargetErrorBody is the JSON body of an error of a service that is called through X-Amz-Target.
func TargetErrorBody(typ, message string) []byte {
	b, _ := Encode(struct { // strings always encode
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{typ, message})
	return b
}
