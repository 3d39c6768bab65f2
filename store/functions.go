package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"thaw.dev/thaw/lambda"
)

// Errors of Functions; match with errors.Is.
var (
	// ErrExists is returned by Create when the account has a function of that name.
	ErrExists = errors.New("function exists")
	// ErrStale is returned by Update and Delete when the record changed, or went, since it was read.
	ErrStale = errors.New("function changed since it was read")
)

const (
	metaBucket = "META" // the stream is KV_META
	// markerTTL is how long the mark of a deletion stays in the stream. A watcher that was away for longer starts over.
	markerTTL = time.Hour
	// manyBytes is the size of records whose loading leaves so much garbage, several times what stays, that it is given
	// back to the system at once: an idle server would keep it for minutes.
	manyBytes = 4 << 20
)

// Function is everything stored about one function. It is immutable.
type Function struct {
	// Config is the newest configuration; Config.Account and Config.Name are the record's key.
	Config lambda.Config `json:"config"`
	// Serving is the configuration that invocations use: the newest that was prepared. Nil until the function was Active
	// once.
	Serving *lambda.Config `json:"serving,omitempty"`
	// Tags are the function's tags; nil and empty mean none.
	Tags map[string]string `json:"tags,omitempty"`
	// Reserved is the function's reserved concurrency; nil means none.
	Reserved *int `json:"reserved,omitempty"`
	// Lineage names the function's published versions, so that they differ from those of a deleted function of the same
	// name. Whoever publishes the first version makes it up; "" before.
	Lineage string `json:"lineage,omitempty"`
	// LastVersion is the highest number that a version of the function ever had, 0 before the first.
	LastVersion int `json:"last_version,omitempty"`
	// Aliases are the function's aliases by name, each name once. See Alias, WithAlias and WithoutAlias.
	Aliases []lambda.Alias `json:"aliases,omitempty"`
	// Qualified is what was set for the function's qualifiers: a version's number, an alias's name, or "" for $LATEST and
	// the function as a whole. See For and WithQualified.
	Qualified map[string]lambda.Qualified `json:"qualified,omitempty"`
	// Recursion is "Allow" if the function may be part of a loop of invocations, else "".
	Recursion string `json:"recursion,omitempty"`
	// CodeSigning is the ARN of the function's code signing configuration; "" for none.
	CodeSigning string `json:"code_signing,omitempty"`
	// Seq identifies this state of the record; it grows with every write. 0: never stored.
	Seq uint64 `json:"-"`
}

func (f *Function) key() recordKey {
	return recordKey{account: f.Config.Account, name: f.Config.Name}
}

func (f *Function) lineage() lineage {
	return lineage{f.Config.Account, f.Config.Name, f.Lineage}
}

// Functions are the records of all accounts' functions and their published versions.
type Functions struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	kv      jetstream.KeyValue
	view    *view
	watcher jetstream.KeyWatcher
	cancel  context.CancelFunc // ends the watcher's context
	done    chan struct{}      // closed when follow returned
	log     *slog.Logger
}

// openFunctions loads all records and starts the goroutine that follows their changes; close ends it.
func openFunctions(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, log *slog.Logger) (*Functions, error) {
	kv, stream, err := openBucket(ctx, js)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", metaBucket, err)
	}
	// The watch outlives ctx, which is Open's.
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	watcher, err := kv.WatchAll(watching)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watch bucket %s: %w", metaBucket, err)
	}
	s := &Functions{
		conn: conn, js: js, stream: stream, kv: kv, view: newView(), watcher: watcher, cancel: cancel,
		done: make(chan struct{}), log: log,
	}
	err = s.load(ctx)
	if err == nil {
		err = s.sweep(ctx)
	}
	if err != nil {
		s.stopWatching()
		for range watcher.Updates() { // until it is closed: the server's goroutine may be waiting to send more
		}
		return nil, err
	}
	go s.follow()
	return s, nil
}

// openBucket opens the bucket of all records, creating it or giving it what an earlier release did not ask for.
func openBucket(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, jetstream.Stream, error) {
	kv, err := js.KeyValue(ctx, metaBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:         metaBucket,
			Description:    "Function records",
			History:        1,
			Storage:        jetstream.FileStorage,
			LimitMarkerTTL: markerTTL,
		})
	}
	if err != nil {
		return nil, nil, err
	}
	stream, err := js.Stream(ctx, "KV_"+metaBucket)
	if err != nil {
		return nil, nil, err
	}
	if c := stream.CachedInfo().Config; !c.AllowAtomicPublish {
		c.AllowAtomicPublish = true
		stream, err = js.UpdateStream(ctx, c)
	}
	return kv, stream, err
}

// load applies what the bucket holds now. A record that cannot be read stops the start: serving without it would let
// a function be created a second time.
func (s *Functions) load(ctx context.Context) error {
	read := 0
	defer func() {
		if read > manyBytes {
			debug.FreeOSMemory()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case entry, ok := <-s.watcher.Updates():
			if !ok {
				return errors.New("bucket " + metaBucket + " went away while it was read")
			}
			if entry == nil { // what is there was read; changes follow
				return nil
			}
			read += len(entry.Value())
			if err := s.apply(entry); err != nil {
				return fmt.Errorf("key %s: %w", entry.Key(), err)
			}
		}
	}
}

// follow applies changes until close stops the watcher.
func (s *Functions) follow() {
	defer close(s.done)
	for entry := range s.watcher.Updates() {
		if entry == nil {
			continue
		}
		if err := s.apply(entry); err != nil {
			s.log.Error("function record not applied", "key", entry.Key(), "err", err)
		}
	}
}

// apply brings one change from the bucket into the view.
func (s *Functions) apply(entry jetstream.KeyValueEntry) error {
	key, ok := parseKey(entry.Key())
	if !ok {
		return nil // another kind of record
	}
	r := record{seq: entry.Revision()}
	if entry.Operation() == jetstream.KeyValuePut {
		var err error
		if r, err = decode(key, entry.Value(), r.seq); err != nil {
			return err
		}
	}
	s.view.watch(key, r)
	return nil
}

func (s *Functions) close() {
	s.stopWatching()
	<-s.done
}

func (s *Functions) stopWatching() {
	_ = s.watcher.Stop() // fails only when the connection is gone, which ends the updates as well
	s.cancel()
}

// Create stores a new function; ErrExists if the account has one of that name. It returns f with its Seq.
//
// Of Create, Update and Delete alike: when they return nil the write is on disk and Get sees it. When they return an
// error other than their sentinel, ctx's included, the write may or may not have happened.
func (s *Functions) Create(ctx context.Context, f Function) (Function, error) {
	return s.write(ctx, f, "create", ErrExists, func(key string, value []byte) (uint64, error) {
		return s.kv.Create(ctx, key, value)
	})
}

// Update replaces the record if it is still in state f.Seq, else ErrStale. It returns f with its new Seq.
func (s *Functions) Update(ctx context.Context, f Function) (Function, error) {
	if f.Seq == 0 {
		return Function{}, fmt.Errorf("update function %s: %w", f.Config.Name, ErrStale)
	}
	return s.write(ctx, f, "update", ErrStale, func(key string, value []byte) (uint64, error) {
		return s.kv.Update(ctx, key, value, f.Seq)
	})
}

// write encodes f, stores it with put and applies it to the view. refused is the error for a lost compare-and-set.
func (s *Functions) write(ctx context.Context, f Function, op string, refused error,
	put func(key string, value []byte) (uint64, error),
) (Function, error) {
	fail := func(err error) (Function, error) {
		return Function{}, fmt.Errorf("%s function %s: %w", op, f.Config.Name, err)
	}
	key := f.key()
	if err := key.check(); err != nil {
		return fail(err)
	}
	value, err := encodeFunction(f)
	if err != nil {
		return fail(err)
	}
	seq, err := put(formatKey(key), value)
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return fail(refused)
	}
	if err != nil {
		return fail(err)
	}
	f.Seq = seq
	s.view.wrote(key, record{seq: seq, function: new(f).compact()})
	return f, nil
}

// Delete removes the record if it is still in state f.Seq, else ErrStale, and with it the function's versions: nobody
// sees them any more once the function's own record is gone, which goes first.
func (s *Functions) Delete(ctx context.Context, f Function) error {
	err := ErrStale
	if f.Seq != 0 {
		err = s.remove(ctx, f.key(), &f.Seq)
	}
	if err != nil {
		return fmt.Errorf("delete function %s: %w", f.Config.Name, err)
	}
	// What a failure leaves behind is invisible, and the next Open removes it.
	for _, v := range s.view.lineage(f.lineage()) {
		if err := s.remove(context.WithoutCancel(ctx), v.key(), nil); err != nil {
			s.log.Warn("version of a deleted function not removed", "function", f.Config.Name, "version", v.Config.Version, "err", err)
			break
		}
	}
	return nil
}

// operationHeader tells the mark of a deletion from a record.
const operationHeader = "KV-Operation"

// remove replaces a record by the mark of its deletion. If expected is given, the record must be in that state, else
// ErrStale.
func (s *Functions) remove(ctx context.Context, key recordKey, expected *uint64) error {
	// The bucket's own Purge does not tell the sequence number of the mark that it leaves. Its form is that of NATS
	// ADR-8: the mark replaces the record, and it expires.
	msg := nats.NewMsg(subject(key))
	msg.Header.Set(operationHeader, "PURGE")
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	options := []jetstream.PublishOpt{jetstream.WithMsgTTL(markerTTL)}
	if expected != nil {
		options = append(options, jetstream.WithExpectLastSequencePerSubject(*expected))
	}
	ack, err := s.js.PublishMsg(ctx, msg, options...)
	if errors.Is(err, jetstream.ErrKeyExists) { // the code of every lost compare-and-set
		return ErrStale
	}
	if err != nil {
		return err
	}
	s.view.wrote(key, record{seq: ack.Sequence})
	return nil
}

// Get returns a function from memory; false if there is none. It does no I/O and allocates nothing.
func (s *Functions) Get(account, name string) (Function, bool) {
	f, ok := s.view.get(account, name)
	if !ok {
		return Function{}, false
	}
	return *f, true
}

// List returns up to limit of the account's functions in the order of their names, beginning at the name from, which need
// not exist. Its cost does not depend on how many functions there are beyond the page.
func (s *Functions) List(account, from string, limit int) []*Function {
	return s.view.list(account, from, limit)
}

// All returns the functions of all accounts, sorted by account and name.
func (s *Functions) All() []*Function { return s.view.all() }
