package bench

import (
	"encoding/json"
	"os"
	"sync"
)

// startWords is the stderr of a server: kept while it starts, because it may say why it does not, and passed on afterwards,
// until the measurement is interrupted.
// The zero value keeps.
type startWords struct {
	mu      sync.Mutex
	kept    []byte // guarded by mu
	passing bool   // guarded by mu
}

// maxStartWords bounds what is kept, in bytes.
const maxStartWords = 64 << 10

// Write keeps p or passes it on. It never fails: that somebody cannot read must not end the server.
func (s *startWords) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passing {
		_, _ = os.Stderr.Write(p)
	} else if len(s.kept)+len(p) <= maxStartWords {
		s.kept = append(s.kept, p...)
	}
	return len(p), nil
}

// pass passes on what was kept, and all that comes.
func (s *startWords) pass() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = os.Stderr.Write(s.kept)
	s.kept, s.passing = nil, true
}

// hush drops what comes: a server that is told to end before it is ready says so.
func (s *startWords) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passing = false
}

// why is the message of the error that `thaw serve --json` ends with, or all that it said.
func (s *startWords) why() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(s.kept, &failed); err == nil && failed.Error.Message != "" {
		return failed.Error.Message
	}
	if len(s.kept) == 0 {
		return "it did not say why"
	}
	return string(s.kept)
}
