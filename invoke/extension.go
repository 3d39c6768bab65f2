package invoke

import (
	"errors"
	"strings"

	"thaw.dev/thaw/link"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/telemetry"
)

// sayExtensions reports the extensions of an init phase that ended with err.
func (r *run) sayExtensions(err error) {
	broken, _ := errors.AsType[*link.ExtensionError](err)
	for _, e := range r.env.Extensions() {
		if broken == nil || broken.Name != e.Name {
			r.env.Say(telemetry.Extension{Name: cleanText(e.Name), State: "Ready", Events: append([]string{}, e.Events...)})
		}
	}
	if broken != nil {
		r.env.Say(telemetry.Extension{
			Name: cleanText(broken.Name), State: pool.CleanErrorType(strings.TrimPrefix(broken.Type, "Extension.")), Events: []string{},
			ErrorType: cleanText(broken.Message),
		})
	}
}

// maxText bounds a text that an extension made up, for log lines and error messages.
const maxText = 512

// cleanText makes a text out of a sandbox fit for a log line.
func cleanText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, s[:min(len(s), maxText)])
}
