package bench

import (
	"fmt"
	"strconv"

	"thaw.dev/thaw/pool"
)

// Source is what a cold start began with; the names are the server's.
type Source = pool.Source

// Sources are all of them, the fastest first.
var Sources = []Source{pool.SourceHot, pool.SourceSnapshot, pool.SourceEmpty, pool.SourceNone}

// slots are the flags of a server that keeps so many slots of each kind.
func slots(hot, empty int) []string {
	return []string{"--hot-slots=" + strconv.Itoa(hot), "--empty-slots=" + strconv.Itoa(empty)}
}

// Memory for slots that holds them all, and none.
const (
	anySlots = "--slot-memory=1TiB"
	noSlots  = "--slot-memory=1"
)

// noHot is the number of hot slots of a server that must have none: with 0 it would keep some when they are asked for.
const noHot = -1

// settingsFor are the flags of a server all of whose cold starts begin with from. It keeps a stock of so many slots.
func settingsFor(from Source, stock int) ([]string, error) {
	switch from {
	case pool.SourceHot:
		return append(slots(stock, 0), anySlots), nil
	case pool.SourceSnapshot, pool.SourceEmpty: // a snapshot is restored into an empty slot
		return append(slots(noHot, stock), anySlots), nil
	case pool.SourceNone:
		return append(slots(noHot, 0), noSlots), nil
	}
	return nil, fmt.Errorf("source %q: want one of %s", from, Sources)
}

// coldFrom returns an error unless t tells of a cold start that began with from.
func (t timing) coldFrom(from Source) error {
	switch {
	case t.cold() && t.source == from:
		return nil
	case t.cold() && t.source == "":
		return fmt.Errorf("a cold start whose source the server does not tell, want %s", from)
	case t.cold():
		return fmt.Errorf("a cold start from %s, want %s", t.source, from)
	}
	return fmt.Errorf("not a cold start, want one from %s", from)
}

// warm returns an error if t tells of a cold start.
func (t timing) warm() error {
	if t.cold() {
		return fmt.Errorf("a cold start from %s, want a warm environment", t.source)
	}
	return nil
}
