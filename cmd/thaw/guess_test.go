package main

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

func TestSeeFamily(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names   []string
		given   lambda.Family
		family  lambda.Family // "" if it cannot be seen
		handler string
	}{
		{[]string{"lambda_function.py", "helper.py"}, "", lambda.FamilyPython, "lambda_function.lambda_handler"},
		{[]string{"index.mjs"}, "", lambda.FamilyNode, "index.handler"},
		{[]string{"index.js", "package.json"}, "", lambda.FamilyNode, "index.handler"},
		{[]string{"index.mjs", "index.js"}, "", lambda.FamilyNode, "index.handler"},
		{[]string{"bootstrap"}, "", lambda.FamilyProvided, "bootstrap"},
		{[]string{"bootstrap", "index.js"}, "", "", ""},
		{[]string{"bootstrap", "index.js"}, lambda.FamilyNode, lambda.FamilyNode, "index.handler"},
		{[]string{"src/lambda_function.py"}, "", "", ""},
		{[]string{"lambda_function.py"}, lambda.FamilyProvided, "", ""},
		{nil, "", "", ""},
	} {
		names := map[string]bool{}
		for _, n := range c.names {
			names[n] = true
		}
		got, err := seeFamily(c.given, names)
		if got.family != c.family || got.handler != c.handler || (err == nil) != (c.family != "") {
			t.Errorf("%v, given %q: got %+v, %v", c.names, c.given, got, err)
		}
	}
}
