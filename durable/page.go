package durable

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"thaw.dev/thaw/lambda"
)

const (
	// maxFirstPageBytes bounds the operations in the event of an invocation, as JSON: an event has at most 6 MiB. Others are fetched.
	maxFirstPageBytes = 5 << 20
	// maxPageBytes bounds the operations in one answer, as JSON. One operation is more if it has to be.
	maxPageBytes = 5 << 20
)

// page returns operations from the given place on: as many as fit both bounds, none if the first is larger than most bytes, and the
// marker of the rest, "" if there is none. Left out is what was started in a context that ended and is not replayed.
func (s *state) page(from, bytes, most int) (list []Operation, next string) {
	size := 0
	for i := from; i < len(s.operations); i++ {
		o := s.operations[i]
		if s.settled(o) {
			continue
		}
		size += jsonSize(o)
		if size > bytes || len(list) == most {
			return list, strconv.Itoa(i)
		}
		list = append(list, *o)
	}
	return list, ""
}

// settled reports whether an operation belongs to a context that ended, so that the handler does not ask for it again.
func (s *state) settled(o *Operation) bool {
	for depth := 0; o.Parent != "" && depth <= len(s.operations); depth++ {
		parent := s.op(o.Parent)
		if parent == nil {
			return false
		}
		if parent.Type == TypeContext && parent.Status.ended() && !parent.ReplayChildren {
			return true
		}
		o = parent
	}
	return false
}

// jsonSize is how many bytes an operation takes as JSON.
func jsonSize(o *Operation) int {
	b, err := json.Marshal(o.Show(millis))
	if err != nil {
		return 0
	}
	return len(b)
}

// State returns operations of the execution for the handler under way, which has that token: as many as limit says and fit into an answer, from the
// marker on ("" for the first), and the marker of the next. Errors: lambda.KindInvalid.
func (e *Executions) State(ctx context.Context, ref lambda.ExecutionRef, token, marker string, limit int) ([]Operation, string, error) {
	x, err := e.lookup(ref)
	if err != nil {
		return nil, "", err
	}
	if err := e.take(ctx, x); err != nil {
		return nil, "", err
	}
	defer e.give(x)
	if !x.run.current(token) {
		return nil, "", errToken()
	}
	s := x.state
	from := 0
	if marker != "" {
		if from, err = strconv.Atoi(marker); err != nil || from < 0 || from > len(s.operations) {
			return nil, "", invalid("Invalid marker")
		}
	}
	s.ripen(time.Now())
	list, next := s.page(from, maxPageBytes, limit)
	if len(list) == 0 && next != "" { // one that is larger than a page
		from, _ = strconv.Atoi(next) // page made it
		list, next = []Operation{*s.operations[from]}, strconv.Itoa(from+1)
		if from+1 == len(s.operations) {
			next = ""
		}
	}
	return list, next, nil
}
