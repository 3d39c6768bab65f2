//go:build compat

package compat_test

import (
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/testenv"
)

// heavySteps are what the tours of the SDKs with heavy toolchains do: every operation of the first tier.
var heavySteps = []string{
	"functions", "invoke", "streaming", "versions and aliases", "permissions", "tags", "concurrency", "function url",
	"event invoke config", "event source mappings", "layers", "code signing", "delete",
}

// sources is the content of the files of a directory, as a key for what is built from them.
func sources(t *testing.T, files ...string) string {
	t.Helper()
	var all []byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, data...), 0)
	}
	return string(all)
}

func TestRustSDK(t *testing.T) {
	t.Parallel()
	cargo := testenv.NeedsCommand(t, "cargo")
	dir := testenv.Cached(t, "rustsdk", sources(t, "rustsdk/Cargo.toml", "rustsdk/Cargo.lock", "rustsdk/src/main.rs"), func(dir string) {
		testenv.Run(t, "rustsdk", cargo, "build", "--quiet", "--locked", "--target-dir", dir)
	})
	newTour(t).run(t, heavySteps, filepath.Join(dir, "debug", "tour"))
}

func TestJavaSDK(t *testing.T) {
	t.Parallel()
	maven, java := testenv.NeedsCommand(t, "mvn"), testenv.NeedsCommand(t, "java")
	dir := testenv.Cached(t, "javasdk", sources(t, "javasdk/pom.xml", "javasdk/src/main/java/dev/thaw/Tour.java"), func(dir string) {
		if err := os.CopyFS(dir, os.DirFS("javasdk")); err != nil {
			t.Fatal(err)
		}
		testenv.Run(t, dir, maven, "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=target/lib")
	})
	newTour(t).run(t, heavySteps, java, "-cp", filepath.Join(dir, "target", "*")+":"+filepath.Join(dir, "target", "lib", "*"), "dev.thaw.Tour")
}
