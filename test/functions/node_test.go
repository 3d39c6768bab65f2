package functions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

func TestNode(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	runtime := thawtest.Node(t)
	const cjs, esm = "index.js", "index.mjs"
	answers := map[string]struct{ file, source, want string }{
		"CommonJS async":  {cjs, "exports.handler = async (e) => ({ n: e.n + 1 });", `{"n":2}`},
		"ES module":       {esm, "export const handler = async (e, c) => c.functionVersion;", `"$LATEST"`},
		"top-level await": {esm, "const x = await Promise.resolve(7);\nexport const handler = async () => x;", `7`},
		"callback":        {cjs, "exports.handler = (e, c, done) => setTimeout(() => done(null, 'later'), 5);", `"later"`},
		"nothing":         {cjs, "exports.handler = async () => {};", `null`},
		"open handle is not waited for": {cjs,
			"exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); done(null, 'now'); };", `"now"`},
		"event loop is waited for": {cjs,
			"let n = 0; exports.handler = (e, c, done) => { setTimeout(() => { n = 1; console.log('timer ran'); }, 30); done(null, n); };", `0`},
	}
	for what, c := range answers {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "index.handler", Files: thawtest.Files{c.file: c.source}})
			out := s.Call(t, name, `{"n":1}`)
			if string(out.Payload) != c.want || out.FunctionError != "" {
				t.Errorf("got %s\n%s", out.Payload, out.LogTail)
			}
			if what == "event loop is waited for" && !strings.Contains(string(out.LogTail), "\tINFO\ttimer ran") {
				t.Errorf("log:\n%s", out.LogTail)
			}
		})
	}
	failures := map[string]struct{ handler, source, errorType, message string }{
		"thrown":              {"index.handler", "exports.handler = async () => { throw new TypeError('no'); };", "TypeError", "no"},
		"callback error":      {"index.handler", "exports.handler = (e, c, done) => done(new Error('called back'));", "Error", "called back"},
		"unhandled rejection": {"index.handler", "exports.handler = () => { Promise.reject(new Error('lost')); return new Promise(() => setTimeout(()=>{}, 5000)); };", "Runtime.UnhandledPromiseRejection", "lost"},
		"no such module":      {"nope.handler", "", "Runtime.ImportModuleError", "nope"},
		"no such handler":     {"index.nope", "exports.handler = 1;", "Runtime.HandlerNotFound", "nope"},
		"syntax error":        {"index.handler", "exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError"},
		"error in the module": {"index.handler", "throw new RangeError('at init')", "RangeError", "at init"},
		"exit":                {"index.handler", "exports.handler = async () => process.exit(7);", "Runtime.ExitError", "exit status 7"},
	}
	for what, c := range failures {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: c.handler, Files: thawtest.Files{cjs: c.source}})
			for range 2 {
				f := s.Fails(t, name, `{}`)
				if f.Type != c.errorType || !strings.Contains(f.Message, c.message) {
					t.Errorf("got %s\n%s", f.Raw, f.Log)
				}
				if c.errorType == "TypeError" {
					var o struct{ Trace []string }
					if json.Unmarshal([]byte(f.Raw), &o); len(o.Trace) == 0 || !strings.Contains(o.Trace[1], "index.js:1") {
						t.Errorf("trace %q", o.Trace)
					}
				}
			}
		})
	}
}
