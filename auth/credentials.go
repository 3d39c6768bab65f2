package auth

import (
	"fmt"
	"regexp"
	"strings"
)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// formatCredentials writes a new file with one key.
func formatCredentials(k Key) []byte {
	return fmt.Appendf(nil, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_account_id = %s\n",
		Profile, k.AccessKeyID, k.SecretAccessKey, k.AccountID)
}

// parseCredentials reads a file in the format of the AWS tools' shared credentials: [profile] lines, "name = value"
// lines, comments with # or ;. Settings it does not use are left alone. Source: AWS SDKs and tools reference guide.
func parseCredentials(text, account string) (*Keys, error) {
	profiles := map[string]*Key{}
	var profile *Key
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			name, closed := strings.CutSuffix(line[1:], "]")
			name = strings.TrimSpace(name)
			if !closed || name == "" {
				return nil, fmt.Errorf("line %d: not a profile", i+1)
			}
			if profiles[name] != nil {
				return nil, fmt.Errorf("line %d: profile %s is there twice", i+1, name)
			}
			profile = &Key{AccountID: account}
			profiles[name] = profile
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found || profile == nil {
			return nil, fmt.Errorf("line %d: not a setting of a profile", i+1) // without the line: it may hold a secret
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			profile.AccessKeyID = value
		case "aws_secret_access_key":
			profile.SecretAccessKey = value
		case "aws_account_id":
			profile.AccountID = value
		}
	}
	k := &Keys{file: make(map[string]Key, len(profiles))}
	for name, key := range profiles {
		switch _, twice := k.file[key.AccessKeyID]; {
		case key.AccessKeyID == "" || key.SecretAccessKey == "":
			return nil, fmt.Errorf("profile %s lacks aws_access_key_id or aws_secret_access_key", name)
		case !accountID.MatchString(key.AccountID):
			return nil, fmt.Errorf("profile %s: account %q is not twelve digits", name, key.AccountID)
		case twice:
			return nil, fmt.Errorf("profile %s has the access key of another profile", name)
		}
		k.file[key.AccessKeyID] = *key
		if name == Profile {
			k.own = *key
		}
	}
	if k.own.AccessKeyID == "" {
		return nil, fmt.Errorf("there is no profile [%s]", Profile)
	}
	return k, nil
}
