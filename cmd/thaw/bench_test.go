package main

import (
	"strings"
	"testing"

	"thaw.dev/thaw/bench"
)

// TestCommandsOfTheReport: the commands that a report says it ran are commands of this program.
func TestCommandsOfTheReport(t *testing.T) {
	t.Parallel()
	for engine, quick := range map[string]bool{"gvisor": false, "microvm": true} {
		for _, command := range bench.Commands(engine, quick) {
			words := strings.Fields(command)
			cmd, flags, err := newRoot(&app{console: &console{}}).Find(words[1:])
			if err == nil {
				err = cmd.ParseFlags(flags)
			}
			if err != nil || cmd.CommandPath() != strings.Join(words[:3], " ") {
				t.Errorf("%s: %v, %v", command, cmd.CommandPath(), err)
			}
		}
	}
}
