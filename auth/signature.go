package auth

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	dateLayout = "20060102T150405Z"

	// maxSkew is how far the caller's clock may be off. Source: error texts of the service ("- 5 min.").
	maxSkew = 5 * time.Minute
	// maxExpires is the longest life of a presigned URL. Source: AWS IAM user guide, "X-Amz-Expires".
	maxExpires = 7 * 24 * time.Hour
	// maxSignedHeaders bounds the work for one request. Clients sign about ten.
	maxSignedHeaders = 100
)

// signature is what a request claims about how it was signed, in either form.
type signature struct {
	accessKeyID, day, region, service string // the credential and its scope

	date          string        // when it was signed, dateLayout
	time          time.Time     // the same
	signedHeaders string        // names, lower case, sorted, separated by semicolons
	value         string        // hexadecimal
	token         string        // session token, "" if none
	tolerance     time.Duration // how old it may be
	presigned     bool          // in the query
}

// parseSignature finds the signature in the Authorization header or in the query.
func parseSignature(r *http.Request, q params) (signature, *Error) {
	header := r.Header["Authorization"]
	switch {
	case len(header) == 1:
		return parseHeader(r, header[0])
	case len(header) > 1:
		return signature{}, incompletef("There is more than one Authorization header.")
	}
	if _, ok := q.get("X-Amz-Algorithm"); ok {
		return parseQuery(q)
	}
	return signature{}, missingToken()
}

// parseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
func parseHeader(r *http.Request, text string) (signature, *Error) {
	s := signature{tolerance: maxSkew}
	kind, rest, _ := strings.Cut(text, " ")
	if kind != algorithm {
		return s, incompletef("The Authorization header's algorithm is not %s.", algorithm)
	}
	var credential string
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var to *string
		switch name {
		case "Credential":
			to = &credential
		case "SignedHeaders":
			to = &s.signedHeaders
		case "Signature":
			to = &s.value
		default:
			continue
		}
		if *to != "" {
			return s, incompletef("Authorization header has more than one '%s' parameter.", name)
		}
		*to = value
	}
	var lacks strings.Builder
	for _, p := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", s.value}, {"SignedHeaders", s.signedHeaders},
	} {
		if p.value == "" {
			lacks.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	if s.date = r.Header.Get("X-Amz-Date"); s.date == "" {
		if s.date = r.Header.Get("Date"); s.date == "" {
			lacks.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
		} else if t, err := http.ParseTime(s.date); err == nil {
			s.date = t.UTC().Format(dateLayout)
		}
	}
	if lacks.Len() > 0 {
		return s, incompletef("%s", strings.TrimSpace(lacks.String()))
	}
	s.token = r.Header.Get("X-Amz-Security-Token")
	return s, s.finish(credential)
}

// parseQuery reads the X-Amz-… parameters of a presigned URL.
func parseQuery(q params) (signature, *Error) {
	s := signature{presigned: true}
	var kind, credential, expires string
	for _, p := range [...]struct {
		name string
		to   *string
	}{
		{"X-Amz-Algorithm", &kind},
		{"X-Amz-Credential", &credential},
		{"X-Amz-Date", &s.date},
		{"X-Amz-Expires", &expires},
		{"X-Amz-SignedHeaders", &s.signedHeaders},
		{"X-Amz-Signature", &s.value},
	} {
		if q.count(p.name) > 1 {
			return s, incompletef("AWS query-string parameters must include '%s' once.", p.name)
		}
		if *p.to, _ = q.get(p.name); *p.to == "" {
			return s, incompletef("AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", p.name)
		}
	}
	if kind != algorithm {
		return s, incompletef("X-Amz-Algorithm is not %s.", algorithm)
	}
	seconds, err := strconv.ParseUint(expires, 10, 32)
	if err != nil || seconds == 0 || seconds > uint64(maxExpires/time.Second) {
		return s, incompletef("X-Amz-Expires must be a number of seconds from 1 to %d.", maxExpires/time.Second)
	}
	s.tolerance = time.Duration(seconds) * time.Second
	s.token, _ = q.get("X-Amz-Security-Token")
	return s, s.finish(credential)
}

// finish takes the credential apart and checks what both forms have in common.
func (s *signature) finish(credential string) *Error {
	var parts [5]string
	rest, more := credential, true
	for i := range parts {
		if !more {
			return incompletef("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
		}
		parts[i], rest, more = strings.Cut(rest, "/")
	}
	if more {
		return incompletef("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	s.accessKeyID, s.day, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	if parts[4] != terminator {
		return invalidf("Credential should be scoped with a valid terminator: '%s'.", terminator)
	}
	t, err := time.Parse(dateLayout, s.date)
	if err != nil {
		return incompletef("Date must be in ISO-8601 'basic format', e.g. %s.", dateLayout)
	}
	s.time = t
	if s.day != s.date[:8] {
		return invalidf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
	}
	return nil
}
