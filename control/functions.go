package control

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Store is where function records live; *store.Functions is one.
type Store interface {
	Create(ctx context.Context, f store.Function) (store.Function, error)
	Get(account, name string) (store.Function, bool)
	Update(ctx context.Context, f store.Function) (store.Function, error)
	Delete(ctx context.Context, f store.Function) error
	List(account, from string, limit int) []*store.Function
	All() []*store.Function
	Totals(account string) store.Totals
	URL(id string) (store.URLOwner, bool)

	Publish(ctx context.Context, f store.Function, v store.Version) (store.Function, store.Version, error)
	Version(account, name string, number int) (*store.Version, bool)
	Versions(account, name string) []*store.Version
	VersionsAfter(account, name string, after, limit int) []*store.Version
	AllVersions() []*store.Version
	UpdateVersion(ctx context.Context, v store.Version) (store.Version, error)
	UpdateWith(ctx context.Context, f store.Function, versions []store.Version) (store.Function, error)
	DeleteVersion(ctx context.Context, v store.Version) error
}

// Options configure Functions.
type Options struct {
	Region   string // goes into ARNs
	Store    Store
	Packages Packages
	// Layers are the layers that functions may use. Required.
	Layers Layers
	// Signing are the code signing configurations that functions may have. Required.
	Signing Signing
	// EnsureRuntime makes the image of fn's runtime if it is not there. A *lambda.Error of kind Invalid or NotFound
	// means that this host cannot have it; its text becomes the function's StateReason.
	EnsureRuntime func(ctx context.Context, fn *lambda.Config) error
	// Slots are the environments. Required.
	Slots Slots
	// CheckRole returns why functions of an account cannot have an execution role; nil lets them have any.
	CheckRole func(account, role string) error
	// AccountConcurrency is how many invocations of one account run at once; 0 means lambda.AccountConcurrency.
	AccountConcurrency int
	// Random draws the versions that invocations of weighted aliases go to: numbers from 0 up to and not including 1. It is
	// called concurrently; nil means math/rand/v2.
	Random func() float64
	// Reaches reports whether messages can be sent to a service: sqs, sns, events or s3. It is called concurrently; nil means
	// that none can.
	Reaches func(service string) bool
	// Workers is how many functions are prepared at once, and how many snapshots made; 0 means 2.
	Workers int
	// PrepareTimeout bounds one preparation; 0 means 5 minutes.
	PrepareTimeout time.Duration
	Logger         *slog.Logger
}

// Functions is the control plane of all accounts' functions.
type Functions struct {
	region         string
	store          Store
	packages       Packages
	layers         Layers
	signing        Signing
	ensureRuntime  func(ctx context.Context, fn *lambda.Config) error
	slots          Slots
	checkRole      func(account, role string) error
	workers        int
	prepareTimeout time.Duration
	log            *slog.Logger

	random             func() float64
	reaches            func(service string) bool
	accountConcurrency int
	limiting           chan struct{} // holds a token while somebody sets concurrency or aliases, or deletes a version

	// slotting makes reading the store and telling the slots one step, so that what they heard last is what the store
	// says last. Held across calls of slots that do not block.
	slotting sync.Mutex

	policies policyCache

	queue     *queue // functions, and versions without a snapshot
	snapshots *queue // versions with one
	stop      context.CancelFunc
	wg        sync.WaitGroup // the workers; Open adds, Close waits
}

// New returns Functions that answer calls; functions become Active only after Open.
func New(o Options) *Functions {
	f := &Functions{
		region:             o.Region,
		store:              o.Store,
		packages:           o.Packages,
		layers:             o.Layers,
		signing:            o.Signing,
		ensureRuntime:      o.EnsureRuntime,
		slots:              o.Slots,
		checkRole:          o.CheckRole,
		workers:            o.Workers,
		prepareTimeout:     o.PrepareTimeout,
		log:                o.Logger,
		queue:              newQueue(),
		snapshots:          newQueue(),
		random:             o.Random,
		accountConcurrency: o.AccountConcurrency,
		limiting:           make(chan struct{}, 1),
	}
	if f.checkRole == nil {
		f.checkRole = func(string, string) error { return nil }
	}
	if f.reaches = o.Reaches; f.reaches == nil {
		f.reaches = func(string) bool { return false }
	}
	if f.random == nil {
		f.random = rand.Float64
	}
	if f.workers <= 0 {
		f.workers = 2
	}
	if f.prepareTimeout <= 0 {
		f.prepareTimeout = 5 * time.Minute
	}
	if f.accountConcurrency <= 0 {
		f.accountConcurrency = lambda.AccountConcurrency
	}
	return f
}

// Open tells the slots what there is, starts the workers and takes up what an earlier process left Pending or
// InProgress. Call it once.
func (s *Functions) Open() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, f := range s.store.All() {
		if unprepared(&f.Config) {
			s.queue.add(keyOf(&f.Config))
		}
		if f.Serving != nil {
			s.slots.Expect(f.Serving)
		}
	}
	for _, v := range s.store.AllVersions() {
		s.published(v)
	}
	for range s.workers {
		s.wg.Go(func() { s.work(ctx, s.queue) })
		s.wg.Go(func() { s.work(ctx, s.snapshots) })
	}
}

// Close stops the workers and waits for them. What they had not finished stays Pending or InProgress.
func (s *Functions) Close() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.queue.close()
	s.snapshots.close()
	s.wg.Wait()
}

// maxRaces is how often a write is tried again when others change the same record in between.
const maxRaces = 16

// modify has the next record made by change and stores it under a new revision. Errors and change as write's.
func (s *Functions) modify(ctx context.Context, account, name string, change func(store.Function) (store.Function, error)) (store.Function, error) {
	f, _, err := s.write(ctx, account, name, func(old store.Function) (store.Function, *store.Version, error) {
		next, err := change(old)
		if err == nil && next.Config.RevisionID == old.Config.RevisionID {
			next.Config.RevisionID = uuid.NewString()
		}
		return next, nil, err
	})
	return f, err
}

// write reads the function, lets change make the next record from it and stores that, together with the version that
// change gives, unless that is nil or stored already; when another write came in between it starts over, so change may
// run several times. change must clone what it alters. The configuration returned is the version's, or else nil.
func (s *Functions) write(ctx context.Context, account, name string,
	change func(store.Function) (store.Function, *store.Version, error),
) (store.Function, *lambda.Config, error) {
	for range maxRaces {
		old, ok := s.store.Get(account, name)
		if !ok {
			return store.Function{}, nil, s.notFound(account, name, "")
		}
		next, v, err := change(old)
		if err != nil {
			return store.Function{}, nil, err
		}
		if v != nil && v.Seq != 0 && next.Config.RevisionID == old.Config.RevisionID {
			return old, &v.Config, nil // nothing to write
		}
		stored, c, err := s.put(ctx, next, v)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		return stored, c, err
	}
	return store.Function{}, nil, s.tooManyChanges(account, name, "")
}

// put stores a function, and v unless it is nil or stored already. What follows a new version is started.
func (s *Functions) put(ctx context.Context, f store.Function, v *store.Version) (store.Function, *lambda.Config, error) {
	switch {
	case v == nil && f.Seq == 0:
		stored, err := s.store.Create(ctx, f)
		return stored, nil, err
	case v == nil:
		stored, err := s.store.Update(ctx, f)
		return stored, nil, err
	case v.Seq != 0:
		stored, err := s.store.Update(ctx, f)
		return stored, &v.Config, err
	}
	stored, version, err := s.store.Publish(ctx, f, *v)
	if err != nil {
		return stored, nil, err
	}
	s.published(&version)
	return stored, &version.Config, nil
}

func (s *Functions) tooManyChanges(account, name, qualifier string) error {
	return lambda.Errorf(lambda.KindConflict,
		"The operation cannot be performed at this time. Too many changes at once for resource: %s", s.arn(account, name, qualifier))
}

func (s *Functions) arn(account, name, qualifier string) string {
	return lambda.FunctionARN(s.region, account, name, qualifier)
}

func (s *Functions) notFound(account, name, qualifier string) error {
	return lambda.Errorf(lambda.KindNotFound, "Function not found: %s", s.arn(account, name, qualifier))
}
