package invoke

import (
	"errors"
	"fmt"
	"strings"

	"thaw.dev/thaw/link"
)

// logExtensions writes the EXTENSION lines of an init phase that ended with err. Source of the line's form: AWS's Runtime
// Interface Emulator.
func (r *run) logExtensions(err error) {
	broken, _ := errors.AsType[*link.ExtensionError](err)
	for _, e := range r.env.Extensions() {
		line := fmt.Sprintf("EXTENSION\tName: %s\tState: Ready\tEvents: [%s]", cleanText(e.Name), strings.Join(e.Events, ", "))
		if broken != nil && broken.Name == e.Name {
			continue
		}
		r.env.Log.Printf("%s", line)
	}
	if broken != nil {
		r.env.Log.Printf("EXTENSION\tName: %s\tState: %s\tEvents: []\tError Type: %s", cleanText(broken.Name),
			cleanErrorType(strings.TrimPrefix(broken.Type, "Extension.")), cleanText(broken.Message))
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
