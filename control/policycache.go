package control

import (
	"fmt"
	"sync"

	"thaw.dev/thaw/policy"
)

// maxParsed bounds how many parsed policies are kept. They are a few kilobytes each.
const maxParsed = 4096

// policyCache keeps the parsed form of stored policies by their text, which stays the same while a policy is in force. The
// zero value is ready.
type policyCache struct {
	mu     sync.RWMutex
	parsed map[string]*policy.Document // guarded by mu
}

func (c *policyCache) parse(text string) (*policy.Document, error) {
	c.mu.RLock()
	d := c.parsed[text]
	c.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	d, err := policy.Parse([]byte(text), policy.Resource)
	if err != nil {
		return nil, fmt.Errorf("stored resource policy: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= maxParsed {
		c.parsed = map[string]*policy.Document{} // those in use come back
	}
	c.parsed[text] = d
	return d, nil
}
