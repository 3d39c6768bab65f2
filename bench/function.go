package bench

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes"
)

//go:embed functions
var functions embed.FS

// event is what every invocation gets, and greeting what the answer must contain.
var (
	event    = []byte(`{"name": "Thaw"}`)
	greeting = []byte("Hello, Thaw")
)

// function is the hello function in one language: as Thaw gets it, and as the baselines run it.
type function struct {
	runtime runtimes.Runtime
	handler string
	zip     []byte
	code    string   // name of the file in zip that is the handler's source; "" if it is compiled
	child   []string // command line of the warm baseline's child process
	bare    []string // command line of the cold baseline
	bareAs  string   // what the cold baseline is called
}

// function makes the function for the runtime called name, see WarmOptions.
func (d *server) function(ctx context.Context, s *Setup, name string) (*function, error) {
	r, err := d.runtime(ctx, s, name)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(d.dir, "bench")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := newFunction(ctx, dir, r)
	if err == nil {
		f.runtime = r
	}
	return f, err
}

// newFunction makes the function for a runtime; what it needs on the host goes to dir.
func newFunction(ctx context.Context, dir string, r runtimes.Runtime) (*function, error) {
	switch r.Family {
	case lambda.FamilyPython:
		return scriptFunction(dir, r.Source, "lambda_function.py", "lambda_function.lambda_handler", "pipe.py",
			[]string{r.Source, "-c", "print(1)"}, "python3 -c 'print(1)'")
	case lambda.FamilyNode:
		return scriptFunction(dir, r.Source, "index.mjs", "index.handler", "pipe.mjs",
			[]string{r.Source, "-e", "console.log(1)"}, "node -e 'console.log(1)'")
	default:
		return goFunction(ctx, dir)
	}
}

func scriptFunction(dir, interpreter, code, handler, pipe string, bare []string, bareAs string) (*function, error) {
	for _, name := range []string{code, pipe} {
		if err := copyOut(dir, name); err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, code))
	if err != nil {
		return nil, err
	}
	archive, err := zipOf(code, text, 0o644)
	if err != nil {
		return nil, err
	}
	return &function{
		handler: handler, zip: archive, code: code,
		child: []string{interpreter, filepath.Join(dir, pipe), dir}, bare: bare, bareAs: bareAs,
	}, nil
}

// goFunction builds the custom runtime with the go command of this host.
func goFunction(ctx context.Context, dir string) (*function, error) {
	compiler, err := exec.LookPath("go")
	if err != nil {
		return nil, fmt.Errorf("%w: the function is written in Go and there is no go command", ErrUnavailable)
	}
	if err := copyOut(dir, "bootstrap/main.go"); err != nil {
		return nil, err
	}
	src := filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte("module bootstrap\n\ngo 1.21\n"), 0o600); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "hello")
	build := exec.CommandContext(ctx, compiler, "build", "-trimpath", "-ldflags=-s -w", "-o", program, ".") //nolint:gosec // found by name
	build.Dir = src
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the custom runtime: %w: %s", err, bytes.TrimSpace(out))
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	archive, err := zipOf("bootstrap", content, 0o755)
	if err != nil {
		return nil, err
	}
	return &function{handler: "bootstrap", zip: archive, child: []string{program}, bare: []string{program, "1"}, bareAs: "the bootstrap on the host"}, nil
}

// variant is the function's zip with a comment that makes it differ from every other; a compiled one stays as it is.
func (f *function) variant(name string) ([]byte, error) {
	if f.code == "" {
		return f.zip, nil
	}
	text, err := functions.ReadFile("functions/" + f.code)
	if err != nil {
		return nil, err
	}
	mark := "# "
	if f.runtime.Family == lambda.FamilyNode {
		mark = "// "
	}
	return zipOf(f.code, append(text, mark+name+"\n"...), 0o644)
}

// sleeping is the zip of the function that greets after burstSleep.
func (f *function) sleeping() ([]byte, error) {
	if f.code == "" {
		return nil, fmt.Errorf("%w: bursts are measured with python and nodejs", ErrUnavailable)
	}
	text, err := functions.ReadFile("functions/sleeping" + filepath.Ext(f.code))
	if err != nil {
		return nil, err
	}
	return zipOf(f.code, text, 0o644)
}

// workingFunction is the Python hello function whose init works for as many seconds as the variable INIT_SECONDS says.
func workingFunction() ([]byte, error) {
	text, err := functions.ReadFile("functions/working.py")
	if err != nil {
		return nil, err
	}
	return zipOf("lambda_function.py", text, 0o644)
}

// copyOut writes an embedded file below dir.
func copyOut(dir, name string) error {
	b, err := functions.ReadFile("functions/" + name)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// zipOf is a zip with one file.
func zipOf(name string, content []byte, mode os.FileMode) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
