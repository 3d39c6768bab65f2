package destination

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// request is one call of a service.
type request struct {
	endpoint        Endpoint
	service, region string
	method, path    string            // the path needs no escaping
	header          map[string]string // all are signed
	body            []byte
}

// do sends a signed request and returns the answer to one that succeeded.
func (s *Sender) do(ctx context.Context, r *request) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.endpoint.URL+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	sign(req, r, time.Now())
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("the service answered %s: %.512q", resp.Status, answer)
	}
	return answer, nil
}

// sign adds a Signature Version 4. Source: AWS IAM user guide, "Create a signed AWS API request".
func sign(req *http.Request, r *request, now time.Time) {
	date := now.UTC().Format("20060102T150405Z")
	sum := sha256.Sum256(r.body)
	hash := hex.EncodeToString(sum[:])
	req.Header.Set("X-Amz-Date", date)
	if r.service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	names := []string{"host"}
	for name := range req.Header {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n\n", r.method, r.path)
	for _, name := range names {
		value := req.Header.Get(name)
		if name == "host" {
			value = req.URL.Host
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	signed := strings.Join(names, ";")
	fmt.Fprintf(&canonical, "\n%s\n%s", signed, hash)

	scope := date[:8] + "/" + r.region + "/" + r.service + "/aws4_request"
	whole := sha256.Sum256([]byte(canonical.String()))
	key := []byte("AWS4" + r.endpoint.SecretAccessKey)
	for _, part := range []string{date[:8], r.region, r.service, "aws4_request", "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex.EncodeToString(whole[:])} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+r.endpoint.AccessKeyID+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}
