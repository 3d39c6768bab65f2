package durable

// ParseAnswer is parseAnswer for tests.
func ParseAnswer(payload []byte, most int) (Status, error) {
	a, err := parseAnswer(payload, most)
	return a.status, err
}

// ExecutionOf is executionOf for tests.
var ExecutionOf = executionOf
