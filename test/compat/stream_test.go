package compat_test

import (
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// streamingSource are the functions of TestStream: streams does what its event says, plain answers with its event.
const streamingSource = `
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
exports.streams = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('first');
  if (event.do === 'pause') await later(1000);
  if (event.do === 'throw') { await later(5); throw new RangeError('on purpose'); }
  for (let i = 0; event.do === 'large' && i < event.mb; i++) {
    if (!stream.write(Buffer.alloc(1 << 20))) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end('last');
});
exports.plain = async (event) => event;
`

// TestStream has each SDK read streamed answers.
func TestStream(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	s := thawtest.Start(t, func(c *node.Config) { c.StreamRate = 0 })
	for _, handler := range []string{"streams", "plain"} {
		in := client.CreateFunctionInput{
			FunctionName: handler, Runtime: thawtest.Node(t), Handler: "index." + handler, Role: thawtest.Role, MemorySize: 512, Timeout: 20,
			Code: client.CodeInput{ZipFile: thawtest.Zip(t, thawtest.Files{"index.js": streamingSource})},
		}
		if _, err := s.CreateFunction(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WaitActive(t.Context(), handler); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := client.FromDataDir(s.Dir, s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	for sdk, program := range map[string]func(*testing.T) []string{
		"boto3": func(t *testing.T) []string { return []string{pythonWithBoto3(t), beside(t, "stream.py")} },
		"Go": func(t *testing.T) []string {
			path := filepath.Join(t.TempDir(), "stream")
			testenv.Run(t, "gosdk", testenv.NeedsCommand(t, "go"), "build", "-o", path, "./stream")
			return []string{path}
		},
		"JS": func(t *testing.T) []string {
			return []string{testenv.NeedsCommand(t, "node"), withNodeModules(t, "stream.mjs")}
		},
	} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			w := &tour{dir: t.TempDir(), env: []string{
				"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "LANG=C.UTF-8",
				"AWS_ENDPOINT_URL=" + s.Endpoint(), "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
				"AWS_ACCESS_KEY_ID=" + keys.AccessKey, "AWS_SECRET_ACCESS_KEY=" + keys.SecretKey, "AWS_EC2_METADATA_DISABLED=true",
			}}
			if out, err := w.output(t, program(t)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
