package control

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// URLInput is a function URL to create or what to change of one; nil members are left as they are, or at their defaults.
type URLInput struct {
	Account, Name, Qualifier string // Qualifier is "" or an alias
	AuthType                 *string
	InvokeMode               *string
	Cors                     *lambda.Cors // with no member set: none
}

// NamedURL is a function URL and what it belongs to.
type NamedURL struct {
	Account, Name, Qualifier string // Qualifier is "" or an alias
	lambda.FunctionURL
}

// CreateURL gives a function or an alias a URL, whose id stays the same for its life. Errors: lambda.KindNotFound,
// KindConflict if there is one.
func (s *Functions) CreateURL(ctx context.Context, in URLInput) (*lambda.FunctionURL, error) {
	return s.changeURL(ctx, in, func(old *lambda.FunctionURL) (*lambda.FunctionURL, error) {
		if old != nil {
			return nil, lambda.Errorf(lambda.KindConflict, "Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function",
				s.arn(in.Account, in.Name, in.Qualifier))
		}
		u := in.apply(&lambda.FunctionURL{ID: newURLID(), AuthType: *in.AuthType})
		u.Created = u.Modified
		return u, nil
	})
}

// UpdateURL changes a URL. Errors: lambda.KindNotFound, also if there is none.
func (s *Functions) UpdateURL(ctx context.Context, in URLInput) (*lambda.FunctionURL, error) {
	return s.changeURL(ctx, in, func(old *lambda.FunctionURL) (*lambda.FunctionURL, error) {
		if old == nil {
			return nil, noURL()
		}
		return in.apply(old), nil
	})
}

// DeleteURL removes a URL; its id is never used again. Errors: lambda.KindNotFound, also if there is none.
func (s *Functions) DeleteURL(ctx context.Context, account, name, qualifier string) error {
	_, err := s.changeURL(ctx, URLInput{Account: account, Name: name, Qualifier: qualifier}, func(old *lambda.FunctionURL) (*lambda.FunctionURL, error) {
		if old == nil {
			return nil, noURL()
		}
		return nil, nil
	})
	return err
}

// URL returns the URL of a function or an alias. Errors: lambda.KindNotFound, also if there is none.
func (s *Functions) URL(account, name, qualifier string) (*lambda.FunctionURL, error) {
	q, err := s.qualified(account, name, qualifier)
	if err == nil && q.URL == nil {
		err = noURL()
	}
	return q.URL, err
}

// URLs returns up to limit of the URLs of a function and its aliases, by qualifier, beginning behind the qualifier after;
// from the start if from is set. more says whether others follow. Errors: lambda.KindNotFound.
func (s *Functions) URLs(account, name, after string, from bool, limit int) (page []NamedURL, more bool, err error) {
	f, ok := s.store.Get(account, name)
	if !ok {
		return nil, false, s.notFound(account, name, "")
	}
	for qualifier, q := range f.Qualified {
		if q.URL != nil && (from || qualifier > after) {
			page = append(page, NamedURL{account, name, qualifier, *q.URL})
		}
	}
	slices.SortFunc(page, func(a, b NamedURL) int { return strings.Compare(a.Qualifier, b.Qualifier) })
	if len(page) > limit {
		return page[:limit], true, nil
	}
	return page, false, nil
}

// FindURL returns the URL with that id, from memory; false if there is none.
func (s *Functions) FindURL(id string) (NamedURL, bool) {
	at, ok := s.store.URL(id)
	if !ok {
		return NamedURL{}, false
	}
	f, _ := s.store.Get(at.Account, at.Name)
	u := f.For(at.Qualifier).URL
	if u == nil || u.ID != id { // changed in between
		return NamedURL{}, false
	}
	return NamedURL{at.Account, at.Name, at.Qualifier, *u}, true
}

func (s *Functions) changeURL(ctx context.Context, in URLInput, change func(*lambda.FunctionURL) (*lambda.FunctionURL, error)) (*lambda.FunctionURL, error) {
	var next *lambda.FunctionURL
	err := s.qualify(ctx, in.Account, in.Name, in.Qualifier, func(_ *store.Function, q *lambda.Qualified, _ string) (err error) {
		next, err = change(q.URL)
		q.URL = next
		return err
	})
	return next, err
}

// apply returns u with what in says.
func (in *URLInput) apply(u *lambda.FunctionURL) *lambda.FunctionURL {
	next := *u
	set(&next.AuthType, in.AuthType)
	set(&next.InvokeMode, in.InvokeMode)
	if in.Cors != nil {
		if next.Cors = in.Cors; in.Cors.Empty() {
			next.Cors = nil
		}
	}
	next.Modified = time.Now().UTC()
	return &next
}

// newURLID makes 32 lower-case letters and digits with 160 random bits.
func newURLID() string {
	return strings.ToLower(rand.Text() + rand.Text())[:32]
}

func noURL() error {
	return lambda.Errorf(lambda.KindNotFound, "The resource you requested does not exist.")
}
