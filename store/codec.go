package store

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// functionSchema and versionSchema are the versions of the records that this release writes. It reads all up to them.
// Raise one when an older release would misread what this one writes, and keep a golden file of the old form in testdata.
//
// History of functions: 1; 2 added reserved concurrency, what published versions need, and Serves; 3 added aliases; 4 added Qualified,
// Recursion, CodeSigning, and in configurations layers, tracing, log formats and levels, dead letter targets, tenancy.
// History of versions: 1; 2 added ProvisionedAlias; 3 what 4 added to configurations. A release that knows only an earlier one would lose what was added
// when it rewrites a record.
const (
	functionSchema = 4
	versionSchema  = 3
)

// functionRecord is a Function as it is stored.
type functionRecord struct {
	Schema int `json:"schema"`
	Function
	// Serves stands for a Serving that is the same as Config: most are, and parsing is most of the time a start takes.
	Serves bool `json:"serves,omitempty"`
}

// versionRecord is a Version as it is stored.
type versionRecord struct {
	Schema int `json:"schema"`
	Version
}

func encodeFunction(f Function) ([]byte, error) {
	serves := f.servesConfig()
	if serves {
		f.Serving = nil
	}
	return json.Marshal(functionRecord{functionSchema, f, serves})
}

func encodeVersion(v Version) ([]byte, error) {
	return json.Marshal(versionRecord{versionSchema, v})
}

// What every record that encodeFunction and encodeVersion make begins with.
var (
	currentFunction = fmt.Appendf(nil, `{"schema":%d,`, functionSchema)
	currentVersion  = fmt.Appendf(nil, `{"schema":%d,`, versionSchema)
)

// decodeFunction reads a record of any known schema. It fails with ErrNewer on a later one without looking further.
func decodeFunction(data []byte) (Function, error) {
	// Parsing twice would double the time that loading all functions takes.
	if !bytes.HasPrefix(data, currentFunction) {
		if err := checkSchema("function", data, functionSchema); err != nil {
			return Function{}, err
		}
	}
	var r functionRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return Function{}, fmt.Errorf("function record: %w", err)
	}
	if r.Serves {
		r.Serving = &r.Config
	}
	return r.Function, nil
}

// decodeVersion is decodeFunction for versions.
func decodeVersion(data []byte) (Version, error) {
	if !bytes.HasPrefix(data, currentVersion) {
		if err := checkSchema("version", data, versionSchema); err != nil {
			return Version{}, err
		}
	}
	var r versionRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return Version{}, fmt.Errorf("version record: %w", err)
	}
	return r.Version, nil
}

// decode reads the record of key in the state seq.
func decode(key recordKey, data []byte, seq uint64) (record, error) {
	if key.number > 0 {
		v, err := decodeVersion(data)
		if err != nil {
			return record{}, err
		}
		if v.key() != key {
			return record{}, fmt.Errorf("the record is of version %s of function %s of account %s", v.Config.Version, v.Config.Name, v.Config.Account)
		}
		v.Seq = seq
		return record{seq: seq, version: &v}, nil
	}
	f, err := decodeFunction(data)
	if err != nil {
		return record{}, err
	}
	if f.key() != key {
		return record{}, fmt.Errorf("the record is of function %s of account %s", f.Config.Name, f.Config.Account)
	}
	f.Seq = seq
	return record{seq: seq, function: f.compact()}, nil
}

func checkSchema(kind string, data []byte, known int) error {
	var r struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return fmt.Errorf("%s record: %w", kind, err)
	}
	switch {
	case r.Schema > known:
		return fmt.Errorf("%s record has schema version %d, this release reads up to %d: %w", kind, r.Schema, known, ErrNewer)
	case r.Schema < 1:
		return fmt.Errorf("%s record has no schema version", kind)
	}
	return nil
}
