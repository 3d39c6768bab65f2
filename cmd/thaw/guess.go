package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"thaw.dev/thaw/lambda"
)

// sign is a file by which one sees what kind of function a deployment package holds.
type sign struct {
	file    string
	family  lambda.Family
	handler string
}

// signs are the names that AWS's own consoles and documents use.
var signs = []sign{
	{"bootstrap", lambda.FamilyProvided, "bootstrap"},
	{"lambda_function.py", lambda.FamilyPython, "lambda_function.lambda_handler"},
	{"index.mjs", lambda.FamilyNode, "index.handler"},
	{"index.js", lambda.FamilyNode, "index.handler"},
	{"index.cjs", lambda.FamilyNode, "index.handler"},
}

// guess completes the runtime and the handler of a new function from the names in its package.
func (d *deploy) guess(ctx context.Context, a *app, names map[string]bool) error {
	if d.runtime != "" && d.handler != "" {
		return nil
	}
	given, _ := lambda.RuntimeFamily(d.runtime)
	seen, err := seeFamily(given, names)
	if err != nil {
		return err
	}
	if d.handler == "" {
		d.handler = seen.handler
		a.note("handler %s, because there is %s", d.handler, seen.file)
	}
	if d.runtime == "" {
		if d.runtime, err = newestRuntime(ctx, d.connection.data, seen.family); err != nil {
			return withHint(fmt.Errorf("%s says that this is a %s function, but not of which version: %w", seen.file, seen.family, err),
				"name it with --runtime; thaw runtime list shows what there is")
		}
		a.note("runtime %s, because there is %s", d.runtime, seen.file)
	}
	return nil
}

// seeFamily finds the one sign that a package shows; given restricts it to a family, unless empty.
func seeFamily(given lambda.Family, names map[string]bool) (sign, error) {
	var seen []sign
	for _, s := range signs {
		if names[s.file] && (given == "" || given == s.family) {
			seen = append(seen, s)
		}
	}
	hint := "say --runtime and --handler, e.g. --runtime python3.11 --handler module.function"
	switch {
	case len(seen) == 0 && given == lambda.FamilyProvided:
		return sign{}, withHint(errors.New("a custom runtime needs an executable named bootstrap at the top of the package"), "add one, or name the handler with --handler")
	case len(seen) == 0:
		return sign{}, withHint(errors.New("there is no lambda_function.py, index.mjs, index.js or bootstrap that shows what this function is"), "%s", hint)
	case slices.ContainsFunc(seen, func(s sign) bool { return s.family != seen[0].family }):
		return sign{}, withHint(fmt.Errorf("both %s and %s are there", seen[0].file, seen[len(seen)-1].file), "%s", hint)
	}
	return seen[0], nil
}

// newestRuntime is the highest version of a family that the server of the data directory offers.
func newestRuntime(ctx context.Context, dataDir string, family lambda.Family) (string, error) {
	if family == lambda.FamilyProvided {
		return "provided.al2023", nil
	}
	if _, err := os.Stat(dataDir); err != nil {
		return "", err // a server elsewhere
	}
	catalog, err := openCatalog(dataDir, nil)
	if err != nil {
		return "", err
	}
	all, err := catalog.List(ctx)
	if err != nil {
		return "", err
	}
	newest := ""
	for _, r := range all { // in order of version
		if r.Family == family {
			newest = r.Name
		}
	}
	if newest == "" {
		return "", fmt.Errorf("no %s runtime is installed", family)
	}
	return newest, nil
}
