package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

// deploy brings a directory or a zip to the server as a function.
type deploy struct {
	connection *connection

	path, name, runtime, handler, role, description string
	timeout, memory, ephemeral                      int
	variables                                       []string // K=V
	publish                                         bool
	given                                           func(flag string) bool
}

func newDeploy(a *app) *cobra.Command {
	d := deploy{connection: &a.connection}
	cmd := &cobra.Command{
		Use:   "deploy DIR|ZIP --name NAME",
		Short: "Create or update a function from a directory or a zip file",
		Long: "Create or update a function from a directory or a zip file, and wait until it can be invoked.\n\n" +
			"For a new function, runtime and handler are guessed where lambda_function.py, index.mjs, index.js or bootstrap\n" +
			"shows them. An update replaces the code and changes only the settings that are given.",
		Example: "  thaw deploy ./hello --name hello\n  thaw deploy hello.zip --name hello --runtime python3.11 --handler app.main --env STAGE=dev",
		Args:    exactly("DIR or ZIP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d.path, d.given = args[0], cmd.Flags().Changed
			if d.name == "" {
				return usage(cmd, "--name is missing")
			}
			if _, err := d.environment(); err != nil {
				return usage(cmd, "%w", err)
			}
			return d.run(cmd.Context(), a)
		},
	}
	a.connection.register(cmd.Flags())
	d.register(cmd.Flags())
	return cmd
}

func (d *deploy) register(f *pflag.FlagSet) {
	f.StringVar(&d.name, "name", "", "name of the function (required)")
	f.StringVar(&d.runtime, "runtime", "", "runtime, such as python3.11, nodejs20.x or provided.al2023")
	f.StringVar(&d.handler, "handler", "", "handler, such as lambda_function.lambda_handler")
	f.IntVar(&d.memory, "memory", lambda.DefaultMemoryMB, "memory in MB; 1769 MB come with one whole CPU")
	f.IntVar(&d.timeout, "timeout", lambda.DefaultTimeoutSeconds, "timeout in seconds, 1 to 900")
	f.IntVar(&d.ephemeral, "ephemeral-storage", lambda.DefaultEphemeralMB, "size of /tmp in MB")
	f.StringArrayVar(&d.variables, "env", nil, "environment variable K=V; may be repeated; together they replace all the function had")
	f.StringVar(&d.role, "role", "", "ARN of the execution role; recorded only")
	f.StringVar(&d.description, "description", "", "description")
	f.BoolVar(&d.publish, "publish", false, "publish the result as a version")
}

func (d *deploy) run(ctx context.Context, a *app) error {
	archive, err := pack(d.path)
	if err != nil {
		return err
	}
	a.progress("packed    %d files, %s", len(archive.names), sizeText(int64(len(archive.zip))))
	c, err := d.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	old, err := c.GetFunctionConfiguration(ctx, d.name)
	switch {
	case client.IsCode(err, "ResourceNotFoundException"):
		err = d.create(ctx, a, c, archive)
	case err == nil:
		err = d.update(ctx, a, c, archive, old)
	}
	if err != nil {
		return err
	}
	a.progress("waiting   until it can be invoked")
	now, err := c.WaitActive(ctx, d.name)
	if err != nil {
		return err
	}
	if d.publish {
		if now, err = c.PublishVersion(ctx, d.name); err != nil {
			return err
		}
		a.note("published version %s", now.Version)
		if now, err = c.WaitActive(ctx, d.name+":"+now.Version); err != nil {
			return err
		}
	}
	return a.write(now, func(w io.Writer) error { return writeFunctions(w, []client.FunctionConfiguration{now}) })
}

func (d *deploy) create(ctx context.Context, a *app, c *client.Client, archive *archive) error {
	if err := d.guess(ctx, a, archive.names); err != nil {
		return err
	}
	if err := d.checkBootstrap(d.runtime, archive); err != nil {
		return err
	}
	if d.role == "" {
		caller, err := c.GetCallerIdentity(ctx)
		if err != nil {
			return err
		}
		d.role = "arn:aws:iam::" + caller.Account + ":role/thaw"
	}
	variables, err := d.environment()
	if err != nil {
		return err
	}
	a.progress("creating  %s", d.name)
	_, err = c.CreateFunction(ctx, client.CreateFunctionInput{
		FunctionName: d.name, Runtime: d.runtime, Role: d.role, Handler: d.handler, Description: d.description,
		Timeout: d.timeout, MemorySize: d.memory, EphemeralStorage: &client.EphemeralStorage{Size: d.ephemeral},
		Environment: variables, Code: client.CodeInput{ZipFile: archive.zip},
	})
	return err
}

func (d *deploy) update(ctx context.Context, a *app, c *client.Client, archive *archive, old client.FunctionConfiguration) error {
	runtime := old.Runtime
	if d.given("runtime") {
		runtime = d.runtime
	}
	if err := d.checkBootstrap(runtime, archive); err != nil {
		return err
	}
	a.progress("updating  code of %s", d.name)
	if _, err := c.UpdateFunctionCode(ctx, d.name, archive.zip); err != nil {
		return err
	}
	settings, err := d.settings()
	if err != nil || settings == nil {
		return err
	}
	if _, err := c.WaitActive(ctx, d.name); err != nil {
		return err
	}
	a.progress("updating  settings of %s", d.name)
	_, err = c.UpdateFunctionConfiguration(ctx, d.name, *settings)
	return err
}

// settings are those that were given; nil for none.
func (d *deploy) settings() (*client.UpdateFunctionConfigurationInput, error) {
	variables, err := d.environment()
	if err != nil {
		return nil, err
	}
	in := client.UpdateFunctionConfigurationInput{
		Runtime: d.ifGiven("runtime", &d.runtime), Role: d.ifGiven("role", &d.role), Handler: d.ifGiven("handler", &d.handler),
		Description: d.ifGiven("description", &d.description), Environment: variables,
	}
	if d.given("timeout") {
		in.Timeout = &d.timeout
	}
	if d.given("memory") {
		in.MemorySize = &d.memory
	}
	if d.given("ephemeral-storage") {
		in.EphemeralStorage = &client.EphemeralStorage{Size: d.ephemeral}
	}
	if reflect.ValueOf(in).IsZero() {
		return nil, nil
	}
	return &in, nil
}

func (d *deploy) ifGiven(flag string, value *string) *string {
	if d.given(flag) {
		return value
	}
	return nil
}

// environment are the variables that were given; nil for none.
func (d *deploy) environment() (*client.Environment, error) {
	if len(d.variables) == 0 {
		return nil, nil
	}
	e := &client.Environment{Variables: map[string]string{}}
	for _, v := range d.variables {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--env %s: want K=V", v)
		}
		e.Variables[name] = value
	}
	return e, nil
}

func (d *deploy) checkBootstrap(runtime string, archive *archive) error {
	if family, _ := lambda.RuntimeFamily(runtime); family == lambda.FamilyProvided {
		return archive.checkBootstrap()
	}
	return nil
}
