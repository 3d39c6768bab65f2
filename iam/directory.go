package iam

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

// Options configure a Directory. All members are required.
type Options struct {
	Records  *store.Records
	Sessions *auth.Sessions
	Region   string // in the ARNs of what functions with an unknown role may use
}

// Directory is the roles and policies of all accounts.
type Directory struct {
	roles    *store.Collection[Role]
	policies *store.Collection[Policy]
	sessions *auth.Sessions
	region   string

	mu sync.Mutex // one change at a time: whether a policy may go depends on all roles
	// generation grows with every change; what was worked out before does not count any more.
	generation atomic.Uint64
	grants     sync.Map // of *grant by roleKey
}

// New returns the directory of what is stored.
func New(o Options) *Directory {
	return &Directory{
		roles: store.NewCollection[Role](o.Records, "role", 1), policies: store.NewCollection[Policy](o.Records, "policy", 1),
		sessions: o.Sessions, region: o.Region,
	}
}

// Error is a refused call.
type Error struct {
	Code    string // one of the Code constants
	Message string // for the caller
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Codes of an Error. Source: IAM and STS API references.
const (
	CodeNoSuchEntity    = "NoSuchEntity"
	CodeExists          = "EntityAlreadyExists"
	CodeDeleteConflict  = "DeleteConflict"
	CodeLimitExceeded   = "LimitExceeded"
	CodeMalformedPolicy = "MalformedPolicyDocument"
	CodeValidation      = "ValidationError"
	CodeInvalidInput    = "InvalidInput"
	CodeAccessDenied    = "AccessDenied"
	CodeConcurrent      = "ConcurrentModification"
)

func refuse(code, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// wrote ends a change: what was worked out is out of date. A lost race is the caller's to repeat.
func (d *Directory) wrote(err error) error {
	d.generation.Add(1)
	if errors.Is(err, store.ErrStale) {
		return refuse(CodeConcurrent, "The request was rejected because another change was made at the same moment. Try again.")
	}
	return err
}

var (
	roleName   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	policyName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	pathText   = regexp.MustCompile(`^/([!-.0-~][!-~]*/)?$`)
)

func checkName(pattern *regexp.Regexp, member, value string) error {
	if !pattern.MatchString(value) {
		return refuse(CodeValidation, "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	}
	return nil
}

// checkPath completes and checks a path.
func checkPath(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	if len(path) > 512 || !pathText.MatchString(path) {
		return "", refuse(CodeValidation, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// checkDocument parses a document of at most limit bytes, white space not counted.
func checkDocument(text string, kind policy.Kind, limit int) error {
	if length(text) > limit {
		return refuse(CodeLimitExceeded, "Cannot exceed quota for PolicySize: %d", limit)
	}
	if _, err := policy.Parse([]byte(text), kind); err != nil {
		return refuse(CodeMalformedPolicy, "%s", err)
	}
	return nil
}

// length is that of a document without white space.
func length(text string) int {
	n := 0
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			n++
		}
	}
	return n
}

// maxTags is how many tags a role or policy may have. Source: IAM user guide, "IAM and AWS STS quotas", as all limits here.
const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refuse(CodeLimitExceeded, "Cannot exceed quota for TagsPerResource: %d", maxTags)
	}
	for key, value := range tags {
		if key == "" || len(key) > 128 || len(value) > 256 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return refuse(CodeValidation, "The tag key %.140q or its value is not valid", key)
		}
	}
	return nil
}

// newID makes the unique id of an entity: AROA for roles, ANPA for policies, and 17 letters and digits.
func newID(prefix string) string {
	var b [11]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + base32.StdEncoding.EncodeToString(b[:])[:17]
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// recordID is the id of a record: names differ by more than case.
func recordID(name string) string { return strings.ToLower(name) }
