package runtimes

import "strings"

// NeedsOwnStart reports whether env, the variables a function's configuration sets, holds one that only acts on a
// process that is started with it: on the dynamic loader, the C library, or the interpreter. Such a function cannot
// take a runtime process that was started before; its runtime has to be started anew with its variables. An empty
// value counts. Everything else is applied by Specialise.
func NeedsOwnStart(env map[string]string) bool {
	for name := range env {
		if ownStart[name] {
			return true
		}
		for _, prefix := range ownStartPrefixes {
			if strings.HasPrefix(name, prefix) && !appliedLater[name] {
				return true
			}
		}
	}
	return false
}

// ownStartPrefixes begin the names of variables that are read once. Sources: ld.so(8), mallopt(3), locale(7),
// python(1), node(1), openssl-env(7).
var ownStartPrefixes = []string{
	"LD_", "MALLOC_", "LC_", "PYTHON", "NODE_", "OPENSSL_", "UV_", "ICU_",
}

// ownStart are those that share no prefix.
var ownStart = map[string]bool{
	"GLIBC_TUNABLES": true, "LANG": true, "LOCPATH": true, "GCONV_PATH": true, "AWS_LAMBDA_EXEC_WRAPPER": true,
}

// appliedLater are the exceptions: Specialise applies the first two, and libraries read the third when they are loaded.
var appliedLater = map[string]bool{"PYTHONPATH": true, "NODE_PATH": true, "NODE_ENV": true}
