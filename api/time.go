package api

import (
	"encoding/json"
	"strconv"
	"time"
)

// timestampLayout is the format of FunctionConfiguration.LastModified: milliseconds, no colon in the offset.
const timestampLayout = "2006-01-02T15:04:05.000-0700"

// FormatTimestamp writes t, in UTC, as function configurations carry it: "2026-01-31T12:34:56.789+0000".
func FormatTimestamp(t time.Time) string {
	return t.UTC().Format(timestampLayout)
}

// FormatSeconds writes t as event source mappings carry it: seconds since 1970 with milliseconds, a JSON number.
func FormatSeconds(t time.Time) json.Number {
	return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
}
