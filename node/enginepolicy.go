package node

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/microvm"
)

// engineNames are the engines this build has, as users type them.
var engineNames = []string{gvisor.Name, microvm.Name, fake.Name}

// enginePolicy is the operator's choice of an engine for each function. Tenants neither see nor change it: it looks at
// nothing but whose function it is and what it is called.
type enginePolicy struct {
	rules    []engineRule
	standard string // where no rule matches
}

// engineRule chooses an engine for the functions whose ARN matches, part by part.
type engineRule struct {
	parts  []*regexp.Regexp
	engine string
}

// Parts of an ARN that a rule's pattern can have: the form of each is that of the ARN's, with * for anything and ? for one
// character within the part.
var arnParts = []struct{ name, form string }{
	{"arn", `arn`}, {"partition", `[a-z?*-]+`}, {"service", `lambda`}, {"region", `[a-z0-9?*-]+`}, {"account", `[0-9?*]{1,12}`},
	{"function", `function`}, {"name", `[a-zA-Z0-9_?*-]{1,64}`},
}

// readEnginePolicy reads Config.Engine and Config.EngineFor.
func readEnginePolicy(standard string, rules []string) (enginePolicy, error) {
	p := enginePolicy{standard: standard}
	if err := checkEngine(standard); err != nil {
		return p, err
	}
	for _, text := range rules {
		pattern, engine, ok := strings.Cut(text, "=")
		if !ok {
			return p, fmt.Errorf("engine for %q: want PATTERN=ENGINE, such as arn:aws:lambda:*:222222222222:function:*=%s", text, standard)
		}
		r := engineRule{engine: engine}
		err := checkEngine(engine)
		if err == nil {
			r.parts, err = readARNPattern(pattern)
		}
		if err != nil {
			return p, fmt.Errorf("engine for %q: %w", text, err)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func checkEngine(name string) error {
	if !slices.Contains(engineNames, name) {
		return fmt.Errorf("engine %q: this build has %s", name, list(engineNames))
	}
	return nil
}

// list writes names as a sentence does.
func list(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func readARNPattern(pattern string) ([]*regexp.Regexp, error) {
	texts := strings.Split(pattern, ":")
	if len(texts) != len(arnParts) {
		return nil, fmt.Errorf("the pattern has %d parts, want the %d of arn:aws:lambda:REGION:ACCOUNT:function:NAME, in which * stands for anything within a part",
			len(texts), len(arnParts))
	}
	wild := strings.NewReplacer(`\*`, `.*`, `\?`, `.`)
	var parts []*regexp.Regexp
	for i, text := range texts {
		form := arnParts[i]
		if ok, err := regexp.MatchString("^"+form.form+"$", text); err != nil || !ok {
			return nil, fmt.Errorf("%q cannot be the %s of a function's ARN", text, form.name)
		}
		parts = append(parts, regexp.MustCompile("^"+wild.Replace(regexp.QuoteMeta(text))+"$"))
	}
	return parts, nil
}

// engine is the name of the engine that a function runs on: the first rule that matches says it.
func (p *enginePolicy) engine(region, account, function string) string {
	arn := strings.Split(lambda.FunctionARN(region, account, function, ""), ":")
	for _, r := range p.rules {
		if len(arn) == len(r.parts) && matchesAll(r.parts, arn) {
			return r.engine
		}
	}
	return p.standard
}

func matchesAll(parts []*regexp.Regexp, texts []string) bool {
	for i, part := range parts {
		if !part.MatchString(texts[i]) {
			return false
		}
	}
	return true
}

// engines are all that functions can get, the standard one first.
func (p *enginePolicy) engines() []string {
	names := []string{p.standard}
	for _, r := range p.rules {
		if !slices.Contains(names, r.engine) {
			names = append(names, r.engine)
		}
	}
	return names
}
