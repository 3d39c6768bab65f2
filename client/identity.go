package client

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"

	"thaw.dev/thaw/api"
)

// CallerIdentity is who the server takes the client for.
type CallerIdentity struct {
	Account string // 12 digits
	ARN     string
	UserID  string
}

// GetCallerIdentity asks who the client's access key belongs to (STS).
func (c *Client) GetCallerIdentity(ctx context.Context) (CallerIdentity, error) {
	_, body, err := c.do(ctx, call{
		service: "sts", method: http.MethodPost, path: "/",
		header: []header{{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}},
		body:   []byte("Action=GetCallerIdentity&Version=" + api.STSVersion),
	})
	if err != nil {
		return CallerIdentity{}, err
	}
	var answer struct {
		Result api.CallerIdentity `xml:"GetCallerIdentityResult"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		return CallerIdentity{}, fmt.Errorf("answer of GetCallerIdentity: %w", err)
	}
	return CallerIdentity{answer.Result.Account, answer.Result.Arn, answer.Result.UserID}, nil
}
