package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Phases are the parts of an invocation in milliseconds; zero for those it did not have. The names are the server's.
type Phases struct {
	Place  float64 `json:"place"`          // memory reserved, sandbox up
	Code   float64 `json:"code"`           // the function's code attached
	Init   float64 `json:"init"`           // runtime started, handler loaded; from a snapshot: restored
	Thaw   float64 `json:"thaw,omitempty"` // a frozen environment continued
	Invoke float64 `json:"invoke"`         // the handler
}

// timing is what the server tells about one invocation.
type timing struct {
	Phases
	source Source // of a cold start; "" if there was none or the server does not tell
}

// cold reports whether the invocation waited for a new environment.
func (t timing) cold() bool { return t.source != "" || t.Place > 0 || t.Init > 0 }

// parseTiming reads a Server-Timing header: `place;dur=80.1;desc="none", code;dur=1.2`. The description that names a
// source is the source. Names that are not known are left out. Source: W3C Server Timing, section 3.
func parseTiming(header string) (timing, error) {
	var t timing
	known := map[string]*float64{"place": &t.Place, "code": &t.Code, "init": &t.Init, "thaw": &t.Thaw, "invoke": &t.Invoke}
	for metric := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(metric), ";")
		for parameter := range strings.SplitSeq(parameters, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			switch value = strings.Trim(value, `"`); key {
			case "dur":
				ms, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return timing{}, fmt.Errorf("timing of phase %s: %w", name, err)
				}
				if into := known[name]; into != nil {
					*into = ms
				}
			case "desc":
				for _, s := range Sources {
					if value == string(s) {
						t.source = s
					}
				}
			}
		}
	}
	return t, nil
}
