package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize is a flag's number of bytes, as "8GiB", "512MiB", "64KiB" or a plain number.
type byteSize int64

var sizeUnits = []struct {
	suffix string
	shift  int
}{{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}

// Set parses text.
func (s *byteSize) Set(text string) error {
	number, shift := text, 0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, shift = strings.TrimSpace(rest), u.shift
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return fmt.Errorf("want a size such as 8GiB, 512MiB or a number of bytes, got %q", text)
	}
	*s = byteSize(n << shift)
	return nil
}

// String writes the size as Set reads it.
func (s *byteSize) String() string {
	for i := len(sizeUnits) - 1; i >= 0; i-- {
		if u := sizeUnits[i]; *s != 0 && *s%(1<<u.shift) == 0 {
			return strconv.FormatInt(int64(*s)>>u.shift, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type names the value in help texts.
func (s *byteSize) Type() string { return "size" }
