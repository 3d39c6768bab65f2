package destination

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Credentials sign requests.
type Credentials struct{ AccessKeyID, SecretAccessKey string }

// ReadCredentials reads the profile default of a file in the form of AWS's shared credentials file.
// Source: AWS SDKs and tools reference guide, "Shared config and credentials files".
func ReadCredentials(path string) (Credentials, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials: %w", err)
	}
	var c Credentials
	profile := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			profile = strings.TrimSpace(strings.Trim(line, "[]"))
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if profile != "default" {
			continue
		}
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.SecretAccessKey = strings.TrimSpace(value)
		}
	}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("credentials %s: %w", path, errNoProfile)
	}
	return c, nil
}

var errNoProfile = errors.New("no profile [default] with aws_access_key_id and aws_secret_access_key")
