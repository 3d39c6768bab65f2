package control

import (
	"context"
	"errors"
	"log/slog"
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
	List(account string) []store.Function
	All() []store.Function
}

// Options configure Functions.
type Options struct {
	Region   string // goes into ARNs
	Store    Store
	Packages Packages
	// EnsureRuntime makes the image of the named runtime if it is not there. A *lambda.Error of kind Invalid or NotFound
	// means that this host cannot have it; its text becomes the function's StateReason.
	EnsureRuntime func(ctx context.Context, runtime string) error
	// Retire is told that environments of the function are out of date, because its serving configuration changed or it
	// was deleted. It must not block. nil is allowed.
	Retire func(account, name string)
	// Workers is how many functions are prepared at once; 0 means 2.
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
	ensureRuntime  func(ctx context.Context, runtime string) error
	retire         func(account, name string)
	workers        int
	prepareTimeout time.Duration
	log            *slog.Logger

	queue *queue
	stop  context.CancelFunc
	wg    sync.WaitGroup // the workers; Open adds, Close waits
}

// New returns Functions that answer calls; functions become Active only after Open.
func New(o Options) *Functions {
	f := &Functions{
		region: o.Region, store: o.Store, packages: o.Packages, ensureRuntime: o.EnsureRuntime, retire: o.Retire,
		workers: o.Workers, prepareTimeout: o.PrepareTimeout, log: o.Logger, queue: newQueue(),
	}
	if f.workers <= 0 {
		f.workers = 2
	}
	if f.prepareTimeout <= 0 {
		f.prepareTimeout = 5 * time.Minute
	}
	if f.retire == nil {
		f.retire = func(string, string) {}
	}
	return f
}

// Open starts the workers and takes up what an earlier process left Pending or InProgress. Call it once.
func (s *Functions) Open() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, f := range s.store.All() {
		if unprepared(&f.Config) {
			s.queue.add(keyOf(&f.Config))
		}
	}
	for range s.workers {
		s.wg.Go(func() { s.work(ctx) })
	}
}

// Close stops the workers and waits for them. What they had not finished stays Pending or InProgress.
func (s *Functions) Close() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.queue.close()
	s.wg.Wait()
}

// maxRaces is how often a write is tried again when others change the same record in between.
const maxRaces = 16

// modify reads the function, lets change make the next record from it and stores that; when another write came in
// between it starts over, so change may run several times. change must clone what it alters.
func (s *Functions) modify(ctx context.Context, account, name string, change func(store.Function) (store.Function, error)) (store.Function, error) {
	for range maxRaces {
		old, ok := s.store.Get(account, name)
		if !ok {
			return store.Function{}, s.notFound(account, name, "")
		}
		next, err := change(old)
		if err != nil {
			return store.Function{}, err
		}
		if next.Config.RevisionID == old.Config.RevisionID {
			next.Config.RevisionID = uuid.NewString()
		}
		stored, err := s.store.Update(ctx, next)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		return stored, err
	}
	return store.Function{}, lambda.Errorf(lambda.KindConflict,
		"The operation cannot be performed at this time. Too many changes at once for resource: %s", s.arn(account, name, ""))
}

func (s *Functions) arn(account, name, qualifier string) string {
	return lambda.FunctionARN(s.region, account, name, qualifier)
}

func (s *Functions) notFound(account, name, qualifier string) error {
	return lambda.Errorf(lambda.KindNotFound, "Function not found: %s", s.arn(account, name, qualifier))
}
