package store

import (
	"bytes"
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

// currentFunction is what every record that encodeFunction makes begins with.
var currentFunction = fmt.Appendf(nil, `{"schema":%d,`, functionSchema)

// decodeFunction reads a record of any known version. It fails with ErrNewer on a later one without looking further.
func decodeFunction(data []byte) (Function, error) {
	// Parsing twice would double the time that loading all functions takes.
	if !bytes.HasPrefix(data, currentFunction) {
		if err := checkSchema(data); err != nil {
			return Function{}, err
		}
	}
	var r functionRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return Function{}, fmt.Errorf("function record: %w", err)
	}
	return r.Function, nil
}

func checkSchema(data []byte) error {
	var r struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("function record: %w", err)
	}
	switch {
	case r.Schema > functionSchema:
		return fmt.Errorf("function record has schema version %d, this release reads up to %d: %w", r.Schema, functionSchema, ErrNewer)
	case r.Schema < 1:
		return errors.New("function record has no schema version")
	}
	return nil
}
