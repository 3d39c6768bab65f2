package api

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"thaw.dev/thaw/lambda"
)

// Constraints collects the failures of the first validation layer: length, pattern, enumeration, range, presence. All
// of them go into one ValidationException. Members are named in lowerCamel, nested ones with dots.
// The zero value is ready. Source of the texts: recorded answers.
type Constraints struct {
	failures []string
}

// Err returns nil, or everything collected as one lambda.KindValidation error.
func (c *Constraints) Err() error {
	switch n := len(c.failures); n {
	case 0:
		return nil
	case 1:
		return lambda.Errorf(lambda.KindValidation, "1 validation error detected: %s", c.failures[0])
	default:
		return lambda.Errorf(lambda.KindValidation, "%d validation errors detected: %s", n, strings.Join(c.failures, "; "))
	}
}

func (c *Constraints) fail(value, member, rule string) {
	if value != "" {
		value += " "
	}
	c.failures = append(c.failures, "Value "+value+"at '"+member+"' failed to satisfy constraint: "+rule)
}

func quote(s string) string { return "'" + clip(s) + "'" }

// Required fails unless present.
func (c *Constraints) Required(member string, present bool) {
	if !present {
		c.fail("null", member, "Member must not be null")
	}
}

// Length bounds the number of characters of s; nil is fine.
func (c *Constraints) Length(member string, s *string, least, most int) {
	if s == nil {
		return
	}
	if n := utf8.RuneCountInString(*s); n > most {
		c.fail(quote(*s), member, "Member must have length less than or equal to "+strconv.Itoa(most))
	} else if n < least {
		c.fail(quote(*s), member, "Member must have length greater than or equal to "+strconv.Itoa(least))
	}
}

// Match requires the whole of s to match p; nil is fine.
func (c *Constraints) Match(member string, s *string, p *Pattern) {
	if s != nil && !p.Matches(*s) {
		c.fail(quote(*s), member, "Member must satisfy regular expression pattern: "+p.text)
	}
}

// Enum requires s to be one of set; nil is fine.
func (c *Constraints) Enum(member string, s *string, set ...string) {
	if s != nil && !slices.Contains(set, *s) {
		c.fail(quote(*s), member, "Member must satisfy enum value set: ["+strings.Join(set, ", ")+"]")
	}
}

// Range bounds n; nil is fine.
func (c *Constraints) Range(member string, n *int, least, most int) {
	if n == nil {
		return
	}
	if *n > most {
		c.fail(quote(strconv.Itoa(*n)), member, "Member must have value less than or equal to "+strconv.Itoa(most))
	} else if *n < least {
		c.fail(quote(strconv.Itoa(*n)), member, "Member must have value greater than or equal to "+strconv.Itoa(least))
	}
}

// EnumList requires a list of least to most members, each one of set; nil is fine.
func (c *Constraints) EnumList(member string, list []string, least, most int, set ...string) {
	if list == nil {
		return
	}
	value := quote("[" + strings.Join(list, ", ") + "]")
	switch {
	case len(list) > most:
		c.fail(value, member, "Member must have length less than or equal to "+strconv.Itoa(most))
	case len(list) < least:
		c.fail(value, member, "Member must have length greater than or equal to "+strconv.Itoa(least))
	case slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(set, s) }):
		c.fail(value, member, "Member must satisfy constraint: [Member must satisfy enum value set: ["+strings.Join(set, ", ")+"], Member must not be null]")
	}
}

// Variables checks the names of environment variables. Names and values are secret: the message has neither.
func (c *Constraints) Variables(member string, variables map[string]string) {
	for name := range variables {
		if !variableName.Matches(name) {
			c.fail("", member, "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: "+variableName.text+"]")
			return
		}
	}
}

// Tags checks tag keys, 1 to 128 characters, and values, up to 256.
func (c *Constraints) Tags(member string, tags map[string]string) {
	for key := range tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !tagText.Matches(key) {
			c.fail(showTags(tags), member, fmt.Sprintf("Map keys must satisfy constraint: [Member must have length less than or equal to 128, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: %s]", tagText.text))
			break
		}
	}
	for _, value := range tags {
		if utf8.RuneCountInString(value) > 256 || !tagText.Matches(value) {
			c.fail(showTags(tags), member, fmt.Sprintf("Map value must satisfy constraint: [Member must have length less than or equal to 256, "+
				"Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: %s]", tagText.text))
			break
		}
	}
}

// Weights checks versions, which must be numbers, and the weights they get, 0 to 1.
func (c *Constraints) Weights(member string, weights map[string]*float64) {
	for version := range weights {
		if len(version) < 1 || len(version) > 1024 || !versionNumber.Matches(version) {
			c.fail(showWeights(weights), member, "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, "+
				"Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+versionNumber.text+", Member must not be null]")
			break
		}
	}
	for _, w := range weights {
		if w == nil || !(*w >= 0 && *w <= 1) {
			c.fail(showWeights(weights), member, "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "+
				"Member must have value greater than or equal to 0.0, Member must not be null]")
			break
		}
	}
}

func showWeights(weights map[string]*float64) string {
	pairs := make([]string, 0, len(weights))
	for version, w := range weights {
		text := "null"
		if w != nil {
			if text = strconv.FormatFloat(*w, 'f', -1, 64); !strings.Contains(text, ".") {
				text += ".0" // as the service writes a double
			}
		}
		pairs = append(pairs, version+"="+text)
	}
	slices.Sort(pairs)
	return quote("{" + strings.Join(pairs, ", ") + "}")
}

func showTags(tags map[string]string) string {
	pairs := make([]string, 0, len(tags))
	for k, v := range tags {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	return quote("{" + strings.Join(pairs, ", ") + "}")
}

// Pattern is a regular expression of the service model, matched against whole values. It is compiled at first use:
// most processes of this program never validate anything.
type Pattern struct {
	text    string
	compile func() *regexp.Regexp
	not     *Pattern // what matches this does not match
}

func newPattern(text string) *Pattern {
	return &Pattern{text: text, compile: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + text + `)\z`) })}
}

// except is p without what matches not. The service model writes that as a negative look-ahead, which Go has not: text is
// the model's pattern.
func (p *Pattern) except(not *Pattern, text string) *Pattern {
	return &Pattern{text: text, compile: p.compile, not: not}
}

// Matches reports whether the whole of s matches.
func (p *Pattern) Matches(s string) bool {
	return p.compile().MatchString(s) && (p.not == nil || !p.not.Matches(s))
}

// String is the pattern as the service model writes it.
func (p *Pattern) String() string { return p.text }

// Patterns of the service model (November 2026).
var (
	functionName     = newPattern(`(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
	namespacedName   = newPattern(`(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`)
	qualifier        = newPattern(`\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`)
	functionVersion  = newPattern(`(\$LATEST(\.PUBLISHED)?|[0-9]+)`)
	versionNumber    = newPattern(`[0-9]+`)
	aliasName        = newPattern(`([a-zA-Z0-9-_]+)`).except(versionNumber, `(?!^[0-9]+$)([a-zA-Z0-9-_]+)`)
	roleARN          = newPattern(`arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	handler          = newPattern(`[^\s]+`)
	variableName     = newPattern(`[a-zA-Z]([a-zA-Z0-9_])+`)
	tenantID         = newPattern(`[a-zA-Z0-9\._:\/=+\-@ ]+`)
	executionName    = newPattern(`[a-zA-Z0-9-_]+`)
	logGroup         = newPattern(`[\.\-_/#A-Za-z0-9]+`)
	tagText          = newPattern(`([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`)
	bucketName       = newPattern(`[0-9A-Za-z\.\-_]*`).except(newPattern(`.*\.`), `[0-9A-Za-z\.\-_]*(?<!\.)`)
	masterRegion     = newPattern(`ALL|(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}`)
	taggableResource = newPattern(`arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})`)
)
