package s3

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// file is a file of credentials in the format that AWS tools share; its profile "default" counts.
// Source: AWS SDKs and Tools reference guide, "Shared config and credentials files".
type file string

// Retrieve reads the file.
func (f file) Retrieve(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{CanExpire: true, Expires: time.Now()} // the next request asks again
	in, err := os.Open(string(f))
	if err != nil {
		return c, err
	}
	defer in.Close()
	profile := ""
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "", line[0] == '#', line[0] == ';':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			profile = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || profile == "" {
			return aws.Credentials{}, fmt.Errorf("%s is no file of credentials: it has a line that is neither [profile] nor name = value", string(f))
		}
		if profile != "default" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "aws_access_key_id":
			c.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.SecretAccessKey = strings.TrimSpace(value)
		case "aws_session_token":
			c.SessionToken = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return aws.Credentials{}, fmt.Errorf("read %s: %w", string(f), err)
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return aws.Credentials{}, errors.New(string(f) + " has no aws_access_key_id and aws_secret_access_key in its profile default")
	}
	return c, nil
}
