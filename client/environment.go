package client

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNoCredentials is returned by FromEnvironment when the environment has no access key, and by FromDataDir when the
// directory has no credentials file that this user can read.
var ErrNoCredentials = errors.New("no access key")

// FromEnvironment takes the options from the variables that AWS tools read: AWS_ENDPOINT_URL_LAMBDA or
// AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Only the keys are
// required: ErrNoCredentials.
func FromEnvironment() (Options, error) {
	o := Options{
		Endpoint:  environmentEndpoint(),
		Region:    environmentRegion(),
		AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
	}
	if o.AccessKey == "" || o.SecretKey == "" {
		return o, fmt.Errorf("%w: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set", ErrNoCredentials)
	}
	return o, nil
}

// FromDataDir takes the access key from the credentials file of a server's data directory, profile thaw. endpoint ""
// means the environment's, then DefaultEndpoint; the region is the environment's, then DefaultRegion.
func FromDataDir(dir, endpoint string) (Options, error) {
	path := filepath.Join(dir, "credentials")
	f, err := os.Open(path)
	if err != nil {
		return Options{}, fmt.Errorf("%w: %w", ErrNoCredentials, err)
	}
	defer f.Close()
	o := Options{Endpoint: cmp.Or(endpoint, environmentEndpoint()), Region: environmentRegion()}
	lines := bufio.NewScanner(f)
	for ours := false; lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			ours = line == "[thaw]"
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			if ours {
				o.AccessKey = value
			}
		case "aws_secret_access_key":
			if ours {
				o.SecretKey = value
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Options{}, fmt.Errorf("read %s: %w", path, err)
	}
	if o.AccessKey == "" || o.SecretKey == "" {
		return Options{}, fmt.Errorf("%w: %s has no complete profile [thaw]", ErrNoCredentials, path)
	}
	return o, nil
}

func environmentEndpoint() string {
	return cmp.Or(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"), os.Getenv("AWS_ENDPOINT_URL"))
}

func environmentRegion() string {
	return cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
}
