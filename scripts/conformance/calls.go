package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"thaw.dev/thaw/api"
)

// client is a real client that tests use, and how its calls look in a source file.
type client struct {
	name string
	in   func(path string) bool                // whether the file may hold calls of this client
	call func(operation string) *regexp.Regexp // what a call of an operation looks like
}

var clients = []client{
	{"AWS CLI", extension(".sh", ".go"), func(op string) *regexp.Regexp {
		return regexp.MustCompile(`(?m)(^|[ (]|\blambda", *")` + join(op, "-") + `(["\s)]|$)`)
	}},
	{"boto3", extension(".py", ".go"), func(op string) *regexp.Regexp {
		return regexp.MustCompile(`[a-z]\.` + join(op, "_") + `\b|get_paginator\("` + join(op, "_") + `"\)`)
	}},
	{"Go SDK", below("gosdk"), func(op string) *regexp.Regexp { return regexp.MustCompile(`\.` + op + `\(|New` + op + `Paginator\(`) }},
	{"JS SDK", extension(".mjs", ".js"), func(op string) *regexp.Regexp {
		return regexp.MustCompile(`\b` + op + `Command\b|"` + op + `"|\bpaginate` + op + `\b`)
	}},
	{"Rust SDK", extension(".rs"), func(op string) *regexp.Regexp { return regexp.MustCompile(`\.` + join(op, "_") + `\(\)`) }},
	{"Java SDK", extension(".java"), func(op string) *regexp.Regexp {
		return regexp.MustCompile(`\.` + strings.ToLower(op[:1]) + op[1:] + `(Paginator)?\(`)
	}},
}

// callsOfTests returns, by client and operation, what the tests below root call.
func callsOfTests(root string) (map[string]map[string]bool, error) {
	calls := map[string]map[string]bool{}
	patterns := map[string][]*regexp.Regexp{} // by client, in the order of api.Operations
	for _, c := range clients {
		calls[c.name] = map[string]bool{}
		for _, op := range api.Operations {
			patterns[c.name] = append(patterns[c.name], c.call(op.Name))
		}
	}
	err := filepath.WalkDir(filepath.Join(root, "test"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var text []byte
		for _, c := range clients {
			if !c.in(path) {
				continue
			}
			if text == nil {
				if text, err = os.ReadFile(path); err != nil {
					return err
				}
			}
			for i, op := range api.Operations {
				if !calls[c.name][op.Name] && patterns[c.name][i].Match(text) {
					calls[c.name][op.Name] = true
				}
			}
		}
		return nil
	})
	return calls, err
}

// join writes an operation's name in small letters, with sep between its words: GetFunctionUrlConfig, get-function-url-config.
func join(operation, sep string) string {
	var b strings.Builder
	for i, r := range operation {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteString(sep)
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func extension(list ...string) func(string) bool {
	return func(path string) bool {
		for _, e := range list {
			if filepath.Ext(path) == e {
				return !below("gosdk")(path)
			}
		}
		return false
	}
}

func below(dir string) func(string) bool {
	return func(path string) bool {
		return strings.Contains(path, string(filepath.Separator)+dir+string(filepath.Separator))
	}
}
