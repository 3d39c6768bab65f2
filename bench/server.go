package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/runtimes"
)

// server is the server under test, in this process.
type server struct {
	node   *node.Node
	client *client.Client
	dir    string
	// runtime is the one under test.
	runtime runtimes.Runtime
}

// warmKeepAlive is longer than any run.
const warmKeepAlive = time.Hour

// openServer starts a server whose environments are kept only for warm invocations: without keep-alive every
// invocation is a cold start.
func openServer(ctx context.Context, o *Options) (_ *server, err error) {
	s := &server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.dir, err = tempDir(); err != nil {
		return nil, err
	}
	c := node.Default()
	c.DataDir, c.Listen, c.Engine, c.Helpers = s.dir, "127.0.0.1:0", o.Engine, o.Helpers
	c.Logger = slog.New(slog.DiscardHandler)
	if c.KeepAlive = 0; o.Kind == Warm {
		c.KeepAlive = warmKeepAlive
	}
	if s.runtime, err = chooseRuntime(ctx, c, o.Runtime); err != nil {
		return nil, err
	}
	if s.node, err = node.Open(ctx, c); err != nil {
		return nil, err
	}
	if s.client, err = newClient(s.dir, "http://"+s.node.Addr(), o.Concurrency); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *server) close() error {
	var err error
	if s.client != nil {
		s.client.Close()
	}
	if s.node != nil {
		err = s.node.Close()
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// tempDir makes a directory that others may pass through, because gVisor's processes run as nobody.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "thaw-bench-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// chooseRuntime finds the runtime called name, or the newest of the family called name.
func chooseRuntime(ctx context.Context, c node.Config, name string) (runtimes.Runtime, error) {
	helpers := c.Helpers
	if helpers == (embedded.Paths{}) {
		var err error
		if helpers, err = embedded.Extract(filepath.Join(c.DataDir, "bin")); err != nil {
			return runtimes.Runtime{}, err
		}
	}
	catalog, err := node.OpenRuntimes(c, helpers.Agent)
	if err != nil {
		return runtimes.Runtime{}, err
	}
	all, err := catalog.List(ctx)
	if err != nil {
		return runtimes.Runtime{}, err
	}
	var found runtimes.Runtime
	for _, r := range all { // in order of version
		if r.Name == name || r.Family == lambda.Family(name) {
			found = r
		}
	}
	if found.Name == "" {
		return found, fmt.Errorf("%w: there is no %s", ErrUnavailable, name)
	}
	return found, nil
}

const functionName = "hello"

// deploy creates the function under test and waits until it can be invoked.
func (s *server) deploy(ctx context.Context, f *function) error {
	_, err := s.client.CreateFunction(ctx, client.CreateFunctionInput{
		FunctionName: functionName, Runtime: s.runtime.Name, Handler: f.handler, Code: client.CodeInput{ZipFile: f.zip},
		Role: "arn:aws:iam::" + node.Default().Account + ":role/bench", MemorySize: lambda.MemoryMBPerCPU, Timeout: 30,
	})
	if err == nil {
		_, err = s.client.WaitActive(ctx, functionName)
	}
	return err
}
