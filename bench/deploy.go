package bench

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/node"
)

// deployment is a function to create.
type deployment struct {
	runtime  string
	handler  string
	zip      []byte
	memoryMB int
	env      map[string]string
	// snapStart asks for snapshots; nil does not.
	snapStart *client.SnapStart
}

// role is any; a server accepts and records it.
var role = "arn:aws:iam::" + node.Default().Account + ":role/bench"

// create creates a function and waits until it can be invoked.
func (d *server) create(ctx context.Context, name string, f deployment) error {
	in := client.CreateFunctionInput{
		FunctionName: name, Runtime: f.runtime, Handler: f.handler, Code: client.CodeInput{ZipFile: f.zip},
		Role: role, MemorySize: f.memoryMB, Timeout: 30, SnapStart: f.snapStart,
	}
	if f.env != nil {
		in.Environment = &client.Environment{Variables: f.env}
	}
	_, err := d.client.CreateFunction(ctx, in)
	if err == nil {
		_, err = d.client.WaitActive(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("create function %s: %w", name, err)
	}
	return nil
}

// registrars is how many functions are created or deleted at a time.
const registrars = 4

// createAll creates the function that describe tells for each name.
func (d *server) createAll(ctx context.Context, names []string, describe func(name string) (deployment, error)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(registrars)
	for _, name := range names {
		g.Go(func() error {
			f, err := describe(name)
			if err != nil {
				return err
			}
			return d.create(ctx, name, f)
		})
	}
	return g.Wait()
}

// deleteAll deletes the functions, and with them their environments.
func (d *server) deleteAll(ctx context.Context, names []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(registrars)
	for _, name := range names {
		g.Go(func() error { return d.client.DeleteFunction(ctx, name) })
	}
	return g.Wait()
}

// numbered are n names, the first of which has the number from.
func numbered(prefix string, from, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%05d", prefix, from+i)
	}
	return names
}

// describe is the hello function in the runtime (see WarmOptions), and how it is deployed: with a whole CPU. What it needs
// on the host goes to the server's directory.
func (d *server) describe(ctx context.Context, s *Setup, runtime string) (*function, deployment, error) {
	f, err := d.function(ctx, s, runtime)
	if err != nil {
		return nil, deployment{}, err
	}
	return f, deployment{runtime: f.runtime.Name, handler: f.handler, zip: f.zip, memoryMB: lambda.MemoryMBPerCPU}, nil
}

// hello creates the hello function called name in the runtime, and invokes it once so that all that is done once has been
// done.
func (d *server) hello(ctx context.Context, s *Setup, name, runtime string) (*function, deployment, error) {
	f, dep, err := d.describe(ctx, s, runtime)
	if err != nil {
		return nil, dep, err
	}
	s.step("deploy a %s function", dep.runtime)
	if err := d.create(ctx, name, dep); err != nil {
		return nil, dep, err
	}
	_, _, err = d.invoke(ctx, target{function: name})
	return f, dep, err
}
