package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Errors of Logs; match with errors.Is.
var (
	// ErrNoLogGroup is returned when the account has no such log group.
	ErrNoLogGroup = errors.New("log group does not exist")
	// ErrNoLogStream is returned when the group has no such log stream.
	ErrNoLogStream = errors.New("log stream does not exist")
	// ErrLogGroupExists is returned by CreateGroup.
	ErrLogGroupExists = errors.New("log group exists")
	// ErrLogStreamExists is returned by CreateStream.
	ErrLogStreamExists = errors.New("log stream exists")
)

// LogGroup is what is stored about a log group. There is one from the moment somebody creates it or something is logged
// to it.
type LogGroup struct {
	Name string `json:"-"`
	// Created is when; kept to the millisecond.
	Created time.Time `json:"created"`
	// RetentionDays is how long events stay; 0 keeps them until the log's space is used up.
	RetentionDays int `json:"retention_days,omitempty"`
	// Tags are the group's tags; nil and empty mean none.
	Tags map[string]string `json:"tags,omitempty"`
}

// kept is the time before which events of the group are gone; zero keeps all.
func (g *LogGroup) kept() time.Time {
	if g.RetentionDays == 0 {
		return time.Time{}
	}
	return time.Now().AddDate(0, 0, -g.RetentionDays)
}

// groupItem finds a group: its record, or without one, as releases before had none, its events.
func (l *Logs) groupItem(ctx context.Context, account, name string) (Item[LogGroup], error) {
	if item, ok := l.groups.Get(account, name); ok {
		item.Value.Name = name
		return item, nil
	}
	msg, err := l.stream.GetLastMsgForSubject(ctx, logGroup{account, name}.subject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Item[LogGroup]{}, ErrNoLogGroup
	}
	if err != nil {
		return Item[LogGroup]{}, err
	}
	return Item[LogGroup]{Account: account, ID: name, Value: LogGroup{Name: name, Created: msg.Time.Truncate(time.Millisecond)}}, nil
}

// Group returns a log group. Errors: ErrNoLogGroup.
func (l *Logs) Group(ctx context.Context, account, name string) (LogGroup, error) {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	item, err := l.groupItem(ctx, account, name)
	if err != nil {
		return LogGroup{}, fmt.Errorf("log group %s: %w", name, err)
	}
	return item.Value, nil
}

// Groups returns the account's log groups, sorted by name.
func (l *Logs) Groups(ctx context.Context, account string) ([]LogGroup, error) {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	found := map[string]LogGroup{}
	info, err := l.stream.Info(ctx, jetstream.WithSubjectFilter(logGroup{account: account}.allSubjects()))
	if err != nil {
		return nil, fmt.Errorf("log groups of account %s: %w", account, err)
	}
	for subject := range info.State.Subjects {
		name, ok := decodeToken(subject[strings.LastIndexByte(subject, '.')+1:])
		if !ok {
			continue
		}
		item, err := l.groupItem(ctx, account, name)
		if err == nil {
			found[name] = item.Value
		}
	}
	for _, item := range l.groups.List(account) {
		item.Value.Name = item.ID
		found[item.ID] = item.Value
	}
	return slices.SortedFunc(maps.Values(found), func(a, b LogGroup) int { return strings.Compare(a.Name, b.Name) }), nil
}

func (g logGroup) allSubjects() string { return "logs." + encodeToken(g.account) + ".*" }

// CreateGroup makes an empty group. Errors: ErrLogGroupExists.
func (l *Logs) CreateGroup(ctx context.Context, account, name string, tags map[string]string) error {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	_, err := l.groupItem(ctx, account, name)
	switch {
	case err == nil:
		err = ErrLogGroupExists
	case errors.Is(err, ErrNoLogGroup):
		err = l.groups.Create(ctx, account, name, LogGroup{Created: time.Now().UTC().Truncate(time.Millisecond), Tags: tags})
		if errors.Is(err, ErrStale) {
			err = ErrLogGroupExists
		}
	}
	if err != nil {
		return fmt.Errorf("create log group %s: %w", name, err)
	}
	return nil
}

// ensureGroup makes the record of a group that is logged to. The writer calls it.
func (l *Logs) ensureGroup(ctx context.Context, g logGroup) {
	if _, ok := l.groups.Get(g.account, g.name); ok {
		return
	}
	err := l.groups.Create(ctx, g.account, g.name, LogGroup{Created: time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil && !errors.Is(err, ErrStale) { // stale: somebody else just made it
		l.log.Warn("record of a log group not written", "group", g.name, "err", err)
	}
}

// UpdateGroup replaces what is stored about a group by what change makes of it; change may run several times and must
// clone what it alters. Errors: ErrNoLogGroup, change's.
func (l *Logs) UpdateGroup(ctx context.Context, account, name string, change func(LogGroup) (LogGroup, error)) error {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	for {
		item, err := l.groupItem(ctx, account, name)
		if err == nil {
			item.Value, err = change(item.Value)
		}
		if err == nil {
			var w Write
			if w, err = l.groups.Put(item); err == nil {
				err = l.groups.records.Apply(ctx, w)
			}
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, ErrStale) || ctx.Err() != nil:
			return fmt.Errorf("update log group %s: %w", name, err)
		}
	}
}

// DeleteGroup removes a group with all its streams and events. Errors: ErrNoLogGroup.
func (l *Logs) DeleteGroup(ctx context.Context, account, name string) error {
	err := l.deleteGroup(ctx, account, name)
	if err != nil {
		return fmt.Errorf("delete log group %s: %w", name, err)
	}
	return nil
}

func (l *Logs) deleteGroup(ctx context.Context, account, name string) error {
	_ = l.Flush(ctx) // what could not be written was reported by the writer
	g := logGroup{account, name}
	item, err := l.groupItem(ctx, account, name)
	if err != nil {
		return err
	}
	if err := l.stream.Purge(ctx, jetstream.WithPurgeSubject(g.subject())); err != nil {
		return err
	}
	for _, s := range l.streamRecords(g) {
		if err := l.streams.Delete(ctx, s); err != nil && !errors.Is(err, ErrStale) {
			return err
		}
	}
	l.indexes.forget(g)
	if item.Seq == 0 {
		return nil
	}
	if err := l.groups.Delete(ctx, item); err != nil && !errors.Is(err, ErrStale) {
		return err
	}
	return nil
}
