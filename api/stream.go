package api

// InvokeComplete is the last event of a streamed answer.
type InvokeComplete struct {
	ErrorCode    string `json:",omitempty"` // the type of error that ended the function; "" if it succeeded
	ErrorDetails string `json:",omitempty"` // the error object
	LogResult    []byte `json:",omitempty"` // base64 on the wire, like X-Amz-Log-Result
}
