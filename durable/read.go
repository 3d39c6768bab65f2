package durable

import (
	"context"
	"slices"
	"strconv"
	"time"

	"thaw.dev/thaw/lambda"
)

// Details are an execution as it stands.
type Details struct {
	Summary
	Input   *string
	Result  *string
	Error   *Error
	Trace   string // X-Ray trace header; "" for none
	Timeout int    // its ExecutionTimeout, in seconds
}

// Get returns an execution. Errors: lambda.KindNotFound, also once its retention is over.
func (e *Executions) Get(ctx context.Context, ref lambda.ExecutionRef) (*Details, error) {
	x, err := e.lookup(ref)
	if err != nil {
		return nil, err
	}
	if err := e.take(ctx, x); err != nil {
		return nil, err
	}
	defer e.give(x)
	s := x.state
	return &Details{
		Summary: e.summary(x), Input: s.operations[0].Input, Result: s.result, Error: s.err, Trace: s.Trace, Timeout: s.seconds,
	}, nil
}

// History returns events of an execution, oldest first or newest first: as many as limit says, from the marker on ("" for the first), and the
// marker of the next, "" at the end. Errors: lambda.KindNotFound, KindInvalid.
func (e *Executions) History(ctx context.Context, ref lambda.ExecutionRef, marker string, limit int, newestFirst bool) ([]Event, string, error) {
	x, err := e.lookup(ref)
	if err != nil {
		return nil, "", err
	}
	from := 1
	if newestFirst {
		from = 1 << 40
	}
	if marker != "" {
		if from, err = strconv.Atoi(marker); err != nil || from < 1 {
			return nil, "", invalid("Invalid marker")
		}
	}
	var list []Event
	children := map[string]string{}
	err = e.events(ctx, x.id, func(event *Event) {
		if event.Type == childStarted {
			children[event.Operation] = event.Child
		}
		if event.Type.shown() && (newestFirst && event.Number <= from || !newestFirst && event.Number >= from) {
			list = append(list, *event)
		}
	})
	if err != nil {
		return nil, "", err
	}
	if newestFirst {
		slices.Reverse(list)
	}
	next := ""
	if len(list) > limit {
		next = strconv.Itoa(list[limit].Number)
		list = list[:limit]
	}
	for i := range list {
		if list[i].Type == ChainedInvokeStarted {
			list[i].Child = children[list[i].Operation]
		}
	}
	return list, next, nil
}

// Filter says which executions a list has. The zero value of a member asks for nothing.
type Filter struct {
	Qualifier     string // a version, or the alias by which they were invoked
	Name          string
	Statuses      []Status
	After, Before time.Time // when they started
	OldestFirst   bool
}

func (f *Filter) takes(s *Summary) bool {
	return (f.Qualifier == "" || f.Qualifier == s.Version || f.Qualifier == s.Qualifier) && (f.Name == "" || f.Name == s.Name) &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, s.Status)) &&
		(f.After.IsZero() || s.Started.After(f.After)) && (f.Before.IsZero() || s.Started.Before(f.Before))
}

// List returns executions of a function, the newest first unless the filter says otherwise: as many as limit says, behind the one with the id after
// ("" for the first), and whether there are more.
func (e *Executions) List(account, function string, f Filter, after string, limit int) (list []Summary, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.lists[functionKey{account, function}]
	began := after == ""
	for i := range all {
		x := all[i]
		if !f.OldestFirst {
			x = all[len(all)-1-i]
		}
		switch {
		case !began:
			began = x.id == after
		case !f.takes(&x.summary):
		case len(list) == limit:
			return list, true
		default:
			list = append(list, x.summary)
		}
	}
	return list, false
}
