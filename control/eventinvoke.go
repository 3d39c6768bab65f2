package control

import (
	"context"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// EventInvokeInput is what is set for the asynchronous invocations of a qualifier; nil members were not given.
type EventInvokeInput struct {
	Account, Name, Qualifier string
	MaxRetries               *int // 0 to lambda.MaxEventRetries
	MaxAge                   *int // seconds
	// OnSuccess and OnFailure are ARNs, "" for none. In an update both are set if one is.
	OnSuccess, OnFailure *string
}

// NamedEventInvoke is what is set for the asynchronous invocations of one qualifier.
type NamedEventInvoke struct {
	Qualifier string // "" is $LATEST
	lambda.EventInvoke
}

// PutEventInvoke replaces what is set for asynchronous invocations. Errors: lambda.KindNotFound, KindInvalid for a destination
// that cannot be one or if nothing is given.
func (s *Functions) PutEventInvoke(ctx context.Context, in EventInvokeInput) (*lambda.EventInvoke, error) {
	if in.MaxRetries == nil && in.MaxAge == nil && in.OnSuccess == nil && in.OnFailure == nil {
		return nil, lambda.Errorf(lambda.KindInvalid, "You must specify at least one of error handling or destination setting.")
	}
	return s.setEventInvoke(ctx, in, func(*lambda.EventInvoke) (*lambda.EventInvoke, error) { return &lambda.EventInvoke{}, nil })
}

// UpdateEventInvoke changes what is set for asynchronous invocations. Errors as PutEventInvoke, and lambda.KindNotFound if
// nothing is set.
func (s *Functions) UpdateEventInvoke(ctx context.Context, in EventInvokeInput) (*lambda.EventInvoke, error) {
	return s.setEventInvoke(ctx, in, func(old *lambda.EventInvoke) (*lambda.EventInvoke, error) {
		if old == nil {
			return nil, s.noEventInvoke(in.Account, in.Name, in.Qualifier)
		}
		next := *old
		return &next, nil
	})
}

// setEventInvoke writes in into what begin makes of the present settings.
func (s *Functions) setEventInvoke(ctx context.Context, in EventInvokeInput, begin func(*lambda.EventInvoke) (*lambda.EventInvoke, error)) (*lambda.EventInvoke, error) {
	if err := s.checkDestination(in.Account, in.Name, in.OnSuccess, "sqs", "sns", "events", "lambda"); err != nil {
		return nil, err
	}
	if err := s.checkDestination(in.Account, in.Name, in.OnFailure, "sqs", "sns", "events", "lambda", "s3"); err != nil {
		return nil, err
	}
	var next *lambda.EventInvoke
	err := s.qualify(ctx, in.Account, in.Name, in.Qualifier, func(f *store.Function, q *lambda.Qualified, _ string) (err error) {
		if f.Config.Durable != nil {
			return lambda.Errorf(lambda.KindInvalid, "An event invoke configuration of a durable function is not implemented yet by Thaw")
		}
		if next, err = begin(q.EventInvoke); err != nil {
			return err
		}
		if in.MaxRetries != nil {
			next.MaxRetries = in.MaxRetries
		}
		if in.MaxAge != nil {
			next.MaxAge = in.MaxAge
		}
		set(&next.OnSuccess, in.OnSuccess)
		set(&next.OnFailure, in.OnFailure)
		next.Modified = time.Now().UTC().Truncate(time.Millisecond)
		q.EventInvoke = next
		return nil
	})
	return next, err
}

// EventInvoke returns what is set for asynchronous invocations. Errors: lambda.KindNotFound, also if nothing is.
func (s *Functions) EventInvoke(account, name, qualifier string) (*lambda.EventInvoke, error) {
	q, err := s.qualified(account, name, qualifier)
	if err == nil && q.EventInvoke == nil {
		err = s.noEventInvoke(account, name, qualifier)
	}
	return q.EventInvoke, err
}

// DeleteEventInvoke removes what is set for asynchronous invocations. Errors: lambda.KindNotFound, also if nothing is.
func (s *Functions) DeleteEventInvoke(ctx context.Context, account, name, qualifier string) error {
	return s.qualify(ctx, account, name, qualifier, func(_ *store.Function, q *lambda.Qualified, _ string) error {
		if q.EventInvoke == nil {
			return s.noEventInvoke(account, name, qualifier)
		}
		q.EventInvoke = nil
		return nil
	})
}

// EventInvokes returns up to limit of what is set for asynchronous invocations of a function, by qualifier, beginning behind the
// qualifier after; from the start if from is set. more says whether others follow. Errors: lambda.KindNotFound.
func (s *Functions) EventInvokes(account, name, after string, from bool, limit int) (page []NamedEventInvoke, more bool, err error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, false, s.notFound(account, name, "")
	}
	for qualifier, q := range f.Qualified {
		if q.EventInvoke != nil && (from || qualifier > after) {
			page = append(page, NamedEventInvoke{qualifier, *q.EventInvoke})
		}
	}
	slices.SortFunc(page, func(a, b NamedEventInvoke) int { return strings.Compare(a.Qualifier, b.Qualifier) })
	if len(page) > limit {
		return page[:limit], true, nil
	}
	return page, false, nil
}

func (s *Functions) noEventInvoke(account, name, qualifier string) error {
	if qualifier == "" {
		qualifier = lambda.Latest
	}
	return lambda.Errorf(lambda.KindNotFound, "The function %s doesn't have an EventInvokeConfig", s.arn(account, name, qualifier))
}

// checkDestination refuses an ARN that what becomes of a function's asynchronous invocations cannot go to.
func (s *Functions) checkDestination(account, name string, arn *string, services ...string) error {
	if arn == nil || *arn == "" {
		return nil
	}
	t, ok := lambda.ParseTarget(*arn)
	switch {
	case !ok || !slices.Contains(services, t.Service):
		return badDestination(*arn, "its service must be one of "+strings.Join(services, ", "))
	case t.FIFO():
		return badDestination(*arn, "FIFO queues and topics are not supported")
	case t.Service != "lambda" && !s.reaches(t.Service):
		return badDestination(*arn, "this server was given no endpoint of "+t.Service+" (thaw serve --"+t.Service+"-endpoint)")
	case t.Service != "lambda":
		return nil
	case t.Region != s.region || t.Account != account:
		return badDestination(*arn, "a function must be of the same account and region")
	}
	target, qualifier, _ := strings.Cut(t.Name, ":")
	if target == name {
		return badDestination(*arn, "a function cannot be its own destination")
	}
	if s.present(account, target, qualifier) != nil {
		return badDestination(*arn, "there is no such function")
	}
	return nil
}

func badDestination(arn, why string) error {
	return lambda.Errorf(lambda.KindInvalid, "The provided destination ARN %.256s is invalid: %s.", arn, why)
}

// checkDeadLetter refuses an ARN that a function's failed events cannot go to.
func (s *Functions) checkDeadLetter(arn *string) error {
	if arn == nil || *arn == "" {
		return nil
	}
	t, ok := lambda.ParseTarget(*arn)
	why := ""
	switch {
	case !ok || (t.Service != "sqs" && t.Service != "sns"):
		why = "it must be a queue of SQS or a topic of SNS"
	case t.FIFO():
		why = "FIFO queues and topics are not supported"
	case !s.reaches(t.Service):
		why = "this server was given no endpoint of " + t.Service + " (thaw serve --" + t.Service + "-endpoint)"
	default:
		return nil
	}
	return lambda.Errorf(lambda.KindInvalid, "The provided dead letter target ARN %.256s is invalid: %s.", *arn, why)
}

// EventRules returns how asynchronous invocations of a function, version or alias are treated now. Errors:
// lambda.KindNotFound.
func (s *Functions) EventRules(account, name, qualifier string) (lambda.EventRules, error) {
	f, err := s.Get(account, name, qualifier)
	if err != nil {
		return lambda.EventRules{}, err
	}
	rules := lambda.EventRules{
		MaxRetries: lambda.MaxEventRetries, MaxAge: lambda.MaxEventAge, DeadLetter: f.Config.DeadLetterTarget,
		Share: s.Share(account, name, f.Config.Version),
	}
	if e := f.For(qualifier).EventInvoke; e != nil {
		rules.OnSuccess, rules.OnFailure = e.OnSuccess, e.OnFailure
		if e.MaxRetries != nil {
			rules.MaxRetries = *e.MaxRetries
		}
		if e.MaxAge != nil {
			rules.MaxAge = time.Duration(*e.MaxAge) * time.Second
		}
	}
	return rules, nil
}
