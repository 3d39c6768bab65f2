package store

import (
	"encoding/json"
	"errors"
	"fmt"
)

// functionSchema is the version of function records that this release writes. It reads all versions up to it. Raise
// it when an older release would misread what this one writes, and keep a golden file of the old form in testdata.
const functionSchema = 1

// functionRecord is a Function as it is stored.
type functionRecord struct {
	Schema int `json:"schema"`
	Function
}

func encodeFunction(f Function) ([]byte, error) {
	return json.Marshal(functionRecord{functionSchema, f})
}

// decodeFunction reads a record of any known version. It fails with ErrNewer on a later one without looking further.
func decodeFunction(data []byte) (Function, error) {
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Function{}, fmt.Errorf("function record: %w", err)
	}
	switch {
	case version.Schema > functionSchema:
		return Function{}, fmt.Errorf("function record has schema version %d, this release reads up to %d: %w",
			version.Schema, functionSchema, ErrNewer)
	case version.Schema < 1:
		return Function{}, errors.New("function record has no schema version")
	}
	var r functionRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return Function{}, fmt.Errorf("function record: %w", err)
	}
	return r.Function, nil
}
