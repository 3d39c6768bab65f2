package mapping

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Mapping is an event source mapping. It is immutable.
type Mapping struct {
	ID       string   `json:"-"` // a UUID
	Function string   `json:"function"`
	Settings Settings `json:"settings"`
	// Qualifier is the version or alias of the function; "" for the function as a whole.
	Qualifier string    `json:"qualifier,omitempty"`
	Disabled  bool      `json:"disabled,omitempty"`
	Modified  time.Time `json:"modified"`
	// State is the API's: what the last change leads to in the answer to it, Enabled or Disabled afterwards.
	State string `json:"-"`
}

// Poller brings records of some kinds of source to functions.
type Poller interface {
	// Polls reports whether it serves a kind of source.
	Polls(k Kind) bool
}

// Store is where mappings live; a *store.Collection[Mapping] is one.
type Store interface {
	Get(account, id string) (store.Item[Mapping], bool)
	List(account string) []store.Item[Mapping]
	Create(ctx context.Context, account, id string, m Mapping) error
	Update(ctx context.Context, item store.Item[Mapping]) error
	Delete(ctx context.Context, item store.Item[Mapping]) error
}

// NewStore returns the mappings among the records.
func NewStore(r *store.Records) Store {
	return store.NewCollection[Mapping](r, "event-source-mapping", 1)
}

// Mappings are the event source mappings of all accounts. Their methods may be called concurrently.
type Mappings struct {
	store  Store
	poller Poller
}

// New returns Mappings. A nil poller polls nothing.
func New(s Store, poller Poller) *Mappings { return &Mappings{s, poller} }

// Create stores a mapping of m's Function, Qualifier, Settings and Disabled. Errors: lambda.KindInvalid, KindValidation,
// KindConflict if there is one of the same source and function.
func (s *Mappings) Create(ctx context.Context, account string, m Mapping) (Mapping, error) {
	if err := m.Settings.Check(); err != nil {
		return Mapping{}, err
	}
	for _, other := range s.List(account, "", "") {
		if other.Function == m.Function && other.Qualifier == m.Qualifier && other.Settings.source() == m.Settings.source() {
			return Mapping{}, lambda.Errorf(lambda.KindConflict, "An event source mapping with event source (\"%.256s\") and function (\"%s\") "+
				"already exists. Please update or delete the existing mapping with UUID %s", m.Settings.source(), m.Function, other.ID)
		}
	}
	if err := s.polled(&m.Settings); err != nil {
		return Mapping{}, err
	}
	m.ID, m.Modified = uuid.NewString(), time.Now().UTC().Truncate(time.Millisecond)
	if err := s.store.Create(ctx, account, m.ID, m); err != nil {
		return Mapping{}, err
	}
	m.State = "Creating"
	if m.Disabled {
		m.State = stateDisabled
	}
	return m, nil
}

// polled refuses a source that nobody polls.
func (s *Mappings) polled(settings *Settings) error {
	k, _ := settings.KindOf()
	if s.poller != nil && s.poller.Polls(k) {
		return nil
	}
	return invalid("The event source mapping is valid, and cannot be created: no poller for %s is configured on this server.", k)
}

const (
	stateEnabled  = "Enabled"
	stateDisabled = "Disabled"
)

// read is a mapping as it is between changes.
func read(item store.Item[Mapping]) Mapping {
	m := item.Value
	m.ID, m.State = item.ID, stateEnabled
	if m.Disabled {
		m.State = stateDisabled
	}
	return m
}

// Get returns a mapping. Errors: lambda.KindNotFound.
func (s *Mappings) Get(account, id string) (Mapping, error) {
	item, ok := s.store.Get(account, id)
	if !ok {
		return Mapping{}, notFound()
	}
	return read(item), nil
}

func notFound() error {
	return lambda.Errorf(lambda.KindNotFound, "The resource you requested does not exist.")
}

// List returns the account's mappings by id, those of a source, of a function or of both if these are not "".
func (s *Mappings) List(account, source, function string) []Mapping {
	var list []Mapping
	for _, item := range s.store.List(account) {
		m := read(item)
		if (source == "" || m.Settings.source() == source) && (function == "" || m.Function == function) {
			list = append(list, m)
		}
	}
	return list
}

// Change is an update of a mapping; nil members leave what there is.
type Change struct {
	Function  string // "" leaves it
	Qualifier string // with Function
	Disabled  *bool
	Settings  Settings
}

// Update changes a mapping. Errors: lambda.KindNotFound, KindInvalid, KindValidation, and KindConflict if others change it
// at the same time.
func (s *Mappings) Update(ctx context.Context, account, id string, c Change) (Mapping, error) {
	item, ok := s.store.Get(account, id)
	if !ok {
		return Mapping{}, notFound()
	}
	if fixed := c.Settings; fixed.EventSourceArn != nil || fixed.SelfManagedEventSource != nil || fixed.StartingPosition != nil ||
		fixed.StartingPositionTimestamp != nil || fixed.Topics != nil || fixed.Queues != nil {
		return Mapping{}, invalid("The source of an event source mapping and its starting position cannot be changed.")
	}
	m := item.Value
	m.Settings = m.Settings.over(c.Settings)
	if c.Function != "" {
		m.Function, m.Qualifier = c.Function, c.Qualifier
	}
	if c.Disabled != nil {
		m.Disabled = *c.Disabled
	}
	if err := m.Settings.Check(); err != nil {
		return Mapping{}, err
	}
	was := item.Value.Disabled
	m.Modified = time.Now().UTC().Truncate(time.Millisecond)
	item.Value = m
	if err := changed(s.store.Update(ctx, item)); err != nil {
		return Mapping{}, err
	}
	m.ID, m.State = id, "Updating"
	switch {
	case m.Disabled && !was:
		m.State = "Disabling"
	case !m.Disabled && was:
		m.State = "Enabling"
	}
	return m, nil
}

// Delete removes a mapping and returns what it was. Errors: lambda.KindNotFound, KindConflict.
func (s *Mappings) Delete(ctx context.Context, account, id string) (Mapping, error) {
	item, ok := s.store.Get(account, id)
	if !ok {
		return Mapping{}, notFound()
	}
	if err := changed(s.store.Delete(ctx, item)); err != nil {
		return Mapping{}, err
	}
	m := read(item)
	m.State = "Deleting"
	return m, nil
}

// changed gives a lost race the text of the service.
func changed(err error) error {
	if errors.Is(err, store.ErrStale) {
		return lambda.Errorf(lambda.KindConflict, "The operation cannot be performed at this time. Cannot update the event source mapping because it is in use.")
	}
	return err
}
