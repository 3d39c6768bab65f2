package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options configure a Verifier.
type Options struct {
	Keys     *Keys
	Sessions *Sessions // nil: there are none
	Region   string    // the only region requests may be signed for; sts and iam take us-east-1, their global endpoints', as well
	Services []string  // the services requests may be signed for; nil means lambda, sts, iam and logs
}

// Verifier verifies signatures, and makes those of download URLs.
type Verifier struct {
	keys     *Keys
	sessions *Sessions
	region   string
	services []string
	derived  signingKeys
	buffers  sync.Pool // of *[]byte, for canonical requests
}

// NewVerifier returns a Verifier.
func NewVerifier(o Options) *Verifier {
	if o.Services == nil {
		o.Services = []string{"lambda", "sts", "iam", "logs"}
	}
	return &Verifier{
		keys: o.Keys, sessions: o.Sessions, region: o.Region, services: o.Services,
		buffers: sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }},
	}
}

// unsignedPayload in place of the body's hash leaves the body out of the signature.
const unsignedPayload = "UNSIGNED-PAYLOAD"

// Verify returns who signed r. body is the whole request body; r.Body is not touched. The error is always an *Error.
//
// The signature may be in the Authorization header or in the query. It must cover the host, every X-Amz-… header that
// is there, and the body unless it says UNSIGNED-PAYLOAD. It may be five minutes old, a presigned one as old as it
// says, and may lie five minutes in the future.
func (v *Verifier) Verify(r *http.Request, body []byte) (Identity, error) {
	id, err := v.verify(r, body)
	if err != nil {
		return Identity{}, err
	}
	return id, nil
}

// find returns whose key signed, and its secret.
func (v *Verifier) find(s *signature) (Identity, string, *Error) {
	if s.token != "" {
		return v.session(s)
	}
	key, known := v.keys.lookup(s.accessKeyID)
	if !known {
		return Identity{}, "", unrecognized()
	}
	return key.identity(s.service), key.SecretAccessKey, nil
}

func (v *Verifier) verify(r *http.Request, body []byte) (Identity, *Error) {
	q := parseParams(r.URL.RawQuery)
	s, err := parseSignature(r, q)
	if err != nil {
		return Identity{}, err
	}
	// Whose key it is comes first: nothing costly is done for those who do not even know a key's id, or hold a token.
	id, secret, err := v.find(&s)
	if err != nil {
		return Identity{}, err
	}
	if err := v.checkScope(&s); err != nil {
		return Identity{}, err
	}
	if err := checkTime(s.time, time.Now(), s.tolerance); err != nil {
		return Identity{}, err
	}
	if err := checkCoverage(r, &s); err != nil {
		return Identity{}, err
	}
	hash, ok := payloadHash(r, q, &s, body)
	if !ok {
		return Identity{}, mismatch()
	}

	buffer := v.buffers.Get().(*[]byte)
	defer v.buffers.Put(buffer)
	canonical, ok := appendCanonical((*buffer)[:0], r, q, &s, hash)
	if cap(canonical) <= 64<<10 {
		*buffer = canonical
	}
	if !ok {
		return Identity{}, mismatch()
	}
	want := s.sign(v.derived.get(signingScope{s.accessKeyID, s.day, s.region, s.service}, secret), canonical)
	if subtle.ConstantTimeCompare(want, []byte(s.value)) != 1 {
		return Identity{}, mismatch()
	}
	return id, nil
}

// checkScope refuses a signature for another region or service.
func (v *Verifier) checkScope(s *signature) *Error {
	if !slices.Contains(v.services, s.service) {
		return invalidf("Credential should be scoped to correct service: '%s'. ", v.services[0])
	}
	global := (s.service == "sts" || s.service == "iam") && s.region == "us-east-1"
	if s.region != v.region && !global {
		return invalidf("Credential should be scoped to a valid region, not '%s'. ", printable(s.region))
	}
	return nil
}

// checkCoverage refuses a signature that leaves out the host, or a header that means something to the API: somebody
// could have added it on the way.
func checkCoverage(r *http.Request, s *signature) *Error {
	if !signs(s.signedHeaders, "host") {
		return invalidf("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	dated := s.presigned
	for name := range r.Header {
		const prefix = "X-Amz-"
		if len(name) < len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		if !signs(s.signedHeaders, name) {
			return invalidf("'%s' must be a 'SignedHeader' in the AWS Authorization.", printable(name))
		}
		dated = dated || name == "X-Amz-Date"
	}
	if !dated && !signs(s.signedHeaders, "date") {
		return invalidf("'Date' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return nil
}

// signs reports whether name is in list, which is separated by semicolons. Case does not matter.
func signs(list, name string) bool {
	for list != "" {
		var signed string
		signed, list, _ = strings.Cut(list, ";")
		if strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

// payloadHash returns what stands for the body in the canonical request: the hash that the request announces, if it is
// the body's, or else the body's own.
func payloadHash(r *http.Request, q params, s *signature, body []byte) (string, bool) {
	announced := r.Header.Get("X-Amz-Content-Sha256")
	if announced == "" && s.presigned {
		announced, _ = q.get("X-Amz-Content-Sha256")
	}
	if announced == unsignedPayload {
		return announced, true
	}
	digest := sha256.Sum256(body)
	actual := hex.EncodeToString(digest[:])
	return actual, announced == "" || announced == actual
}

// printable is text of the caller's for a message: short, and without anything a terminal or log might interpret.
func printable(s string) string {
	s = s[:min(len(s), 64)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
