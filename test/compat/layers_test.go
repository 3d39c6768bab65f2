package compat_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// newLayersTour is a tour with a function, code.zip, that tells a word, and two versions of a layer that has it. The
// function's package is in S3, too.
func newLayersTour(t *testing.T) *tour {
	t.Helper()
	code := thawtest.Zip(t, thawtest.Files{"app.py": "import word\ndef handler(event, context): return word.word\n"})
	objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/packages/dir/code.zip" {
			http.Error(w, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>", http.StatusNotFound)
			return
		}
		_, _ = w.Write(code)
	}))
	t.Cleanup(objects.Close)
	w := newTourOn(t, thawtest.Start(t, func(c *node.Config) { c.S3Endpoint = objects.URL }))
	w.write(t, "code.zip", code)
	w.write(t, "first.zip", thawtest.Zip(t, thawtest.Files{"python/word.py": "word = 'one'\n"}))
	w.write(t, "second.zip", thawtest.Zip(t, thawtest.Files{"python/word.py": "word = 'two'\n"}))
	return w
}

func (w *tour) runLayers(t *testing.T, argv ...string) {
	t.Helper()
	out, err := w.output(t, argv)
	if err != nil || !strings.HasSuffix(out, "done\n") {
		t.Fatalf("the tour failed: %v\n%s", err, out)
	}
}

func TestLayersWithAWSCLI(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	for _, name := range []string{"aws", "curl", "cmp", "openssl"} {
		testenv.NeedsCommand(t, name)
	}
	newLayersTour(t).runLayers(t, testenv.NeedsCommand(t, "bash"), beside(t, "layers.sh"))
}

func TestLayersWithBoto3(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	newLayersTour(t).runLayers(t, pythonWithBoto3(t), beside(t, "layers.py"))
}
