package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// MaxPasses is how often a chain of invocations may come through one function. The next time it is a loop. Source: AWS Lambda
// developer guide, "Use Lambda recursive loop detection to prevent infinite loops" ("approximately 16 times").
const MaxPasses = 16

// maxLineage is how many functions of a chain are remembered, those that it came through last.
const maxLineage = 32

// lineageField is the field of an X-Ray trace header that says through which functions a chain of invocations came.
// Its value has an entry HASH:COUNT for each, separated by '|'; SDKs write that as %7C when they pass the header on.
// Source of the form: AWS X-Ray developer guide, "Tracing header".
const lineageField = "Lineage="

// Lineage returns the X-Ray trace header for an invocation of the function called name, whose caller sent trace: its passes
// through the function are one more. passes counts those before, from 0. It cannot be trusted: whoever wants to hide a loop
// leaves the header out.
func Lineage(trace, account, name string) (next string, passes int) {
	var entries, fields []string
	for field := range strings.SplitSeq(trace, ";") {
		value, ok := strings.CutPrefix(strings.TrimSpace(field), lineageField)
		switch {
		case ok && entries == nil:
			entries = lineageEntries(value)
		case !ok && field != "":
			fields = append(fields, field)
		}
	}
	hash := lineageHash(account, name)
	for i, e := range entries {
		if strings.HasPrefix(e, hash+":") {
			passes, _ = strconv.Atoi(e[len(hash)+1:]) // lineageEntries checked it
			entries = slices.Delete(entries, i, i+1)
			break
		}
	}
	entries = append(entries, hash+":"+strconv.Itoa(passes+1))
	entries = entries[max(0, len(entries)-maxLineage):]
	fields = append(fields, lineageField+strings.Join(entries, "|"))
	return strings.Join(fields, ";"), passes
}

// lineageHash names a function in a lineage.
func lineageHash(account, name string) string {
	sum := sha256.Sum256([]byte(account + "/" + name))
	return hex.EncodeToString(sum[:4])
}

var unescapeLineage = strings.NewReplacer("%7C", "|", "%7c", "|", "%3A", ":", "%3a", ":")

// lineageEntries returns the entries of a lineage that are well formed.
func lineageEntries(value string) []string {
	value = unescapeLineage.Replace(value)
	var entries []string
	for e := range strings.SplitSeq(value, "|") {
		hash, count, ok := strings.Cut(e, ":")
		if n, err := strconv.Atoi(count); !ok || err != nil || n < 1 || n > 1<<20 || len(hash) != 8 || strings.Trim(hash, "0123456789abcdef") != "" {
			continue
		}
		entries = append(entries, hash+":"+count)
		if len(entries) == 4*maxLineage {
			break
		}
	}
	return entries
}
