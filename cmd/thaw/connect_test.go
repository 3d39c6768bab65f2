package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"thaw.dev/thaw/client"
)

// dataDir makes a data directory with a key, and with an announcement unless endpoint is "".
func dataDir(t *testing.T, endpoint string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("credentials", "[thaw]\naws_access_key_id = FILEKEY\naws_secret_access_key = filesecret\n")
	if endpoint != "" {
		write("server.json", `{"endpoint": "`+endpoint+`", "region": "eu-west-1"}`)
	}
	return dir
}

func TestConnection(t *testing.T) {
	environment := map[string]string{
		"AWS_ENDPOINT_URL": "http://env:1", "AWS_REGION": "us-east-2",
		"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "envsecret",
	}
	onlyKeys := map[string]string{"AWS_ACCESS_KEY_ID": "ENVKEY", "AWS_SECRET_ACCESS_KEY": "envsecret", "AWS_REGION": "us-east-2"}
	announced := dataDir(t, "http://file:2")
	for name, c := range map[string]struct {
		env   map[string]string
		flags []string
		want  client.Options
	}{
		"environment":                        {environment, nil, client.Options{Endpoint: "http://env:1", Region: "us-east-2", AccessKey: "ENVKEY"}},
		"--data wins over the environment":   {environment, []string{"--data", announced}, client.Options{Endpoint: "http://file:2", Region: "eu-west-1", AccessKey: "FILEKEY"}},
		"THAW_DATA wins, too":                {map[string]string{"THAW_DATA": announced, "AWS_ENDPOINT_URL": "http://env:1"}, nil, client.Options{Endpoint: "http://file:2", Region: "eu-west-1", AccessKey: "FILEKEY"}},
		"keys for another cloud do not leak": {onlyKeys, []string{"--data", announced}, client.Options{Endpoint: "http://file:2", Region: "eu-west-1", AccessKey: "FILEKEY"}},
		"keys with --endpoint":               {onlyKeys, []string{"--endpoint", "http://flag:3"}, client.Options{Endpoint: "http://flag:3", Region: "us-east-2", AccessKey: "ENVKEY"}},
		"flags replace what was found":       {nil, []string{"--data", announced, "--endpoint", "http://flag:3", "--region", "ap-south-1"}, client.Options{Endpoint: "http://flag:3", Region: "ap-south-1", AccessKey: "FILEKEY"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range []string{"THAW_DATA", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
				t.Setenv(v, c.env[v])
			}
			var conn connection
			flags := pflag.NewFlagSet("", pflag.ContinueOnError)
			conn.register(flags)
			if err := flags.Parse(c.flags); err != nil {
				t.Fatal(err)
			}
			got, err := conn.options()
			if err != nil {
				t.Fatal(err)
			}
			if got.Endpoint != c.want.Endpoint || got.Region != c.want.Region || got.AccessKey != c.want.AccessKey {
				t.Errorf("got %s %s %s, want %s %s %s", got.Endpoint, got.Region, got.AccessKey, c.want.Endpoint, c.want.Region, c.want.AccessKey)
			}
		})
	}
}

func TestServeFlagsFromEnvironment(t *testing.T) {
	t.Setenv("THAW_REGION", "eu-central-1")
	t.Setenv("THAW_ACCOUNT", "111111111111")
	t.Setenv("THAW_MEMORY_BUDGET", "3GiB")
	t.Setenv("THAW_EGRESS_DENY", "10.0.0.0/8,192.168.0.0/16")
	cmd := newServe(&app{console: &console{}})
	if err := cmd.Flags().Parse([]string{"--account", "222222222222"}); err != nil {
		t.Fatal(err)
	}
	if err := flagsFromEnvironment(cmd); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{
		"region": "eu-central-1", "account": "222222222222", "memory-budget": "3GiB",
		"egress-deny": "[10.0.0.0/8,192.168.0.0/16]", "keep-alive": "24h0m0s",
	} {
		if got := cmd.Flags().Lookup(flag).Value.String(); got != want {
			t.Errorf("--%s: got %s, want %s", flag, got, want)
		}
	}
	t.Setenv("THAW_KEEP_ALIVE", "soon")
	if err := flagsFromEnvironment(cmd); err == nil || !strings.Contains(err.Error(), "THAW_KEEP_ALIVE=soon") {
		t.Errorf("got %v", err)
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/var/lib/thaw": "/var/lib/thaw", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
