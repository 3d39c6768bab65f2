package lambda

// MaxAliases is the number of aliases that one function may have. Lambda documents that there is a limit
// (AliasLimitExceededException) and not which; this one keeps a function's record far below the size of a message.
const MaxAliases = 1000

// Alias is a name for a version of a function, or for two of them that share the invocations. It is immutable.
type Alias struct {
	Name        string `json:"name"`
	Version     string `json:"version"` // Latest or a number
	Description string `json:"description,omitempty"`
	// Additional is the number of a second version, "" for none, and Weight which part of the invocations it gets: 0 to 1.
	Additional string  `json:"additional,omitempty"`
	Weight     float64 `json:"weight,omitempty"`
	// RevisionID is a UUID that changes on every write.
	RevisionID string `json:"revision_id"`
}

// Draw returns the version that one invocation goes to. r is a random number from 0 up to and not including 1.
func (a *Alias) Draw(r float64) string {
	if a.Additional != "" && r < a.Weight {
		return a.Additional
	}
	return a.Version
}

// PointsAt reports whether invocations of the alias may go to that version. A weight of 0 makes no difference: it may
// be raised at any time.
func (a *Alias) PointsAt(version string) bool {
	return a.Version == version || a.Additional == version && version != ""
}
