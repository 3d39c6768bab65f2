package runtimes_test

import (
	"testing"

	"thaw.dev/thaw/runtimes"
)

func TestNeedsOwnStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "LANG", "LC_ALL", "PYTHONHASHSEED",
		"PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "UV_THREADPOOL_SIZE", "OPENSSL_CONF",
		"AWS_LAMBDA_EXEC_WRAPPER",
	} {
		if !runtimes.NeedsOwnStart(map[string]string{"A": "b", name: ""}) {
			t.Errorf("%s does nothing to a process that runs", name)
		}
	}
	all := map[string]string{}
	for _, name := range []string{
		"COLOUR", "TZ", "PATH", "PYTHONPATH", "NODE_PATH", "NODE_ENV", "SSL_CERT_FILE", "AWS_LAMBDA_LOG_LEVEL", "LDAP_HOST", "PYTHO",
	} {
		all[name] = "x"
	}
	if runtimes.NeedsOwnStart(all) || runtimes.NeedsOwnStart(nil) {
		t.Error("a start of its own for variables that Specialise applies")
	}
}
