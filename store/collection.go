package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// Collection is the documents of one kind, as values of type T, which are encoded as JSON. Values that went into or came
// out of it are immutable. Its methods may be called concurrently.
type Collection[T any] struct {
	records *Records
	kind    string
	schema  int
}

// Item is a document in one state.
type Item[T any] struct {
	Account, ID string
	Value       T
	// Seq identifies this state; it grows with every write. 0: never stored.
	Seq uint64
}

// NewCollection returns the documents of a kind. schema is the version of T's form, from 1: raise it when an older
// release would misread what this one writes. Documents of a later one cannot be read.
func NewCollection[T any](r *Records, kind string, schema int) *Collection[T] {
	return &Collection[T]{r, kind, schema}
}

// Get returns a document; false if there is none, or if it cannot be read, which is logged.
func (c *Collection[T]) Get(account, id string) (Item[T], bool) {
	s, ok := c.records.get(RecordKey{c.kind, account, id})
	if !ok {
		return Item[T]{}, false
	}
	return c.read(account, id, s)
}

// List returns the account's documents, sorted by id.
func (c *Collection[T]) List(account string) []Item[T] {
	var list []Item[T]
	for _, id := range c.records.keys(c.kind, account) {
		if item, ok := c.Get(account, id); ok {
			list = append(list, item)
		}
	}
	return list
}

// All returns the documents of all accounts, sorted by account and id.
func (c *Collection[T]) All() []Item[T] {
	var list []Item[T]
	for _, account := range c.records.accounts(c.kind) {
		list = append(list, c.List(account)...)
	}
	return list
}

// Create stores a new document; ErrStale if there is one of that id. Of Create, Update and Delete alike: when they return
// nil the write is on disk and Get sees it; after an error other than ErrStale it may or may not have happened.
func (c *Collection[T]) Create(ctx context.Context, account, id string, value T) error {
	w, err := c.Put(Item[T]{Account: account, ID: id, Value: value})
	if err != nil {
		return err
	}
	return c.records.Apply(ctx, w)
}

// Update replaces a document if it is still in state item.Seq, else ErrStale.
func (c *Collection[T]) Update(ctx context.Context, item Item[T]) error {
	if item.Seq == 0 {
		return fmt.Errorf("update %s %s: %w", c.kind, item.ID, ErrStale)
	}
	w, err := c.Put(item)
	if err != nil {
		return err
	}
	return c.records.Apply(ctx, w)
}

// Delete removes a document if it is still in state item.Seq, else ErrStale.
func (c *Collection[T]) Delete(ctx context.Context, item Item[T]) error {
	if item.Seq == 0 {
		return fmt.Errorf("delete %s %s: %w", c.kind, item.ID, ErrStale)
	}
	return c.records.Apply(ctx, c.Remove(item))
}

// Put is the write that stores the item in place of its state Seq, or as a new document if that is 0, for Records.Apply
// together with others.
func (c *Collection[T]) Put(item Item[T]) (Write, error) {
	value, err := json.Marshal(item.Value)
	if err != nil {
		return Write{}, fmt.Errorf("encode %s %s: %w", c.kind, item.ID, err)
	}
	data, err := json.Marshal(document{c.schema, value})
	if err != nil {
		return Write{}, fmt.Errorf("encode %s %s: %w", c.kind, item.ID, err)
	}
	return Write{RecordKey{c.kind, item.Account, item.ID}, data, item.Seq}, nil
}

// Remove is the write that deletes the item in its state Seq, which must not be 0.
func (c *Collection[T]) Remove(item Item[T]) Write {
	return Write{RecordKey{c.kind, item.Account, item.ID}, nil, item.Seq}
}

func (c *Collection[T]) read(account, id string, s stored) (Item[T], bool) {
	item := Item[T]{Account: account, ID: id, Seq: s.seq}
	var d document
	err := json.Unmarshal(s.value, &d)
	if err == nil && d.Schema > c.schema {
		err = fmt.Errorf("schema version %d, this release reads up to %d: %w", d.Schema, c.schema, ErrNewer)
	}
	if err == nil {
		err = json.Unmarshal(d.Value, &item.Value)
	}
	if err != nil {
		c.records.log.Error("record cannot be read", "kind", c.kind, "account", account, "id", id, "err", err)
		return Item[T]{}, false
	}
	return item, true
}
