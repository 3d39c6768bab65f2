package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const recordsBucket = "RECORDS" // the stream is KV_RECORDS

// Records are small documents of any kind but functions: layers, roles, log groups and so on. As with functions, every
// write is on disk before it is acknowledged and is a compare-and-set, and every read is served from memory. Packages use
// them through a Collection.
type Records struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	watcher jetstream.KeyWatcher
	cancel  context.CancelFunc
	done    chan struct{} // closed when follow returned
	log     *slog.Logger

	mu sync.RWMutex
	// all has every record by kind, account and id, those of deleted ones as empty values until the watcher is past them.
	// Guarded by mu; the values are immutable.
	all map[string]map[string]map[string]stored
}

// stored is a state of a document.
type stored struct {
	value []byte // nil: deleted
	seq   uint64
}

// RecordKey names a document.
type RecordKey struct {
	Kind    string // what it is, e.g. "layer"; each kind belongs to one package
	Account string // "" for what belongs to no account
	ID      string // unique among those of its kind and account
}

func (k RecordKey) String() string { return k.Kind + " " + k.ID + " of account " + k.Account }

func (k RecordKey) format() string {
	return encodeToken(k.Kind) + "." + encodeToken(k.Account) + "." + encodeToken(k.ID)
}

func parseRecordKey(s string) (RecordKey, bool) {
	part := strings.Split(s, ".")
	if len(part) != 3 {
		return RecordKey{}, false
	}
	var text [3]string
	for i := range part {
		var ok bool
		if text[i], ok = decodeToken(part[i]); !ok {
			return RecordKey{}, false
		}
	}
	return RecordKey{text[0], text[1], text[2]}, true
}

func openRecords(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, log *slog.Logger) (*Records, error) {
	kv, err := js.KeyValue(ctx, recordsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: recordsBucket, Description: "Documents", History: 1, Storage: jetstream.FileStorage, LimitMarkerTTL: markerTTL,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", recordsBucket, err)
	}
	stream, err := js.Stream(ctx, "KV_"+recordsBucket)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", recordsBucket, err)
	}
	if c := stream.CachedInfo().Config; !c.AllowAtomicPublish {
		c.AllowAtomicPublish = true
		if _, err := js.UpdateStream(ctx, c); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", recordsBucket, err)
		}
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	watcher, err := kv.WatchAll(watching)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("watch bucket %s: %w", recordsBucket, err)
	}
	r := &Records{
		conn: conn, js: js, watcher: watcher, cancel: cancel, done: make(chan struct{}), log: log,
		all: map[string]map[string]map[string]stored{},
	}
	loaded := make(chan struct{})
	go r.follow(loaded)
	select {
	case <-loaded:
		return r, nil
	case <-r.done:
		err = errors.New("bucket " + recordsBucket + " went away while it was read")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	r.close()
	return nil, err
}

// follow applies what is there and what changes until close stops the watcher; it closes loaded in between.
func (r *Records) follow(loaded chan struct{}) {
	defer close(r.done)
	for entry := range r.watcher.Updates() {
		if entry == nil {
			close(loaded)
			continue
		}
		k, ok := parseRecordKey(entry.Key())
		if !ok {
			r.log.Error("record with a key of no known form", "key", entry.Key())
			continue
		}
		s := stored{seq: entry.Revision()}
		if entry.Operation() == jetstream.KeyValuePut {
			s.value = entry.Value()
		}
		r.set(k, s, true)
	}
}

func (r *Records) close() {
	_ = r.watcher.Stop() // fails only when the connection is gone, which ends the updates as well
	r.cancel()
	<-r.done
}

// set makes s the state of k unless a later one is known. The watcher sees the end of a deletion.
func (r *Records) set(k RecordKey, s stored, watched bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[k.Kind] == nil {
		r.all[k.Kind] = map[string]map[string]stored{}
	}
	ids := r.all[k.Kind][k.Account]
	if ids == nil {
		ids = map[string]stored{}
		r.all[k.Kind][k.Account] = ids
	}
	switch known := ids[k.ID]; {
	case s.seq < known.seq:
	case watched && s.value == nil:
		delete(ids, k.ID)
	default:
		ids[k.ID] = s
	}
}

// get returns a document; false if there is none.
func (r *Records) get(k RecordKey) (stored, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.all[k.Kind][k.Account][k.ID]
	return s, s.value != nil
}

// keys returns the ids of an account's documents of a kind, sorted.
func (r *Records) keys(kind, account string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var ids []string
	for id, s := range r.all[kind][account] {
		if s.value != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// accounts returns the accounts that may have documents of a kind, sorted.
func (r *Records) accounts(kind string) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var list []string
	for account := range r.all[kind] {
		list = append(list, account)
	}
	slices.Sort(list)
	return list
}

// Write is one write of a batch; see Records.Apply.
type Write struct {
	key      RecordKey
	value    []byte // nil deletes
	expected uint64 // sequence number of the present state, 0: there must be none
}

// Apply does all writes or none. It fails with ErrStale if one of the documents changed since it was read, or exists
// and was to be created. When it returns nil the writes are on disk and reads see them; after any other error they may
// or may not have happened. It takes at most 100 writes, of different documents.
func (r *Records) Apply(ctx context.Context, writes ...Write) error {
	msgs := make([]*nats.Msg, len(writes))
	for i, w := range writes {
		msgs[i] = nats.NewMsg("$KV." + recordsBucket + "." + w.key.format())
		msgs[i].Data = w.value
		if w.value == nil {
			msgs[i].Header.Set(operationHeader, "PURGE")
			if len(writes) == 1 { // an atomic batch takes no rollup; a mark that stays is one message per document
				msgs[i].Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
			}
		}
		if err := r.expect(msgs[i], w); err != nil {
			return fmt.Errorf("write %s: %w", w.key, err)
		}
	}
	last, err := publishAll(ctx, r.conn, msgs)
	if errors.Is(err, errLost) {
		return fmt.Errorf("write %s: %w", writes[0].key, ErrStale)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", writes[0].key, err)
	}
	for i, w := range writes {
		r.set(w.key, stored{w.value, last - uint64(len(writes)-1-i)}, false)
	}
	return nil
}

// expect sets the state that the write needs. That of a document to create is the mark of its deletion, if there is one.
func (r *Records) expect(msg *nats.Msg, w Write) error {
	expected := w.expected
	if expected == 0 {
		r.mu.RLock()
		s := r.all[w.key.Kind][w.key.Account][w.key.ID]
		r.mu.RUnlock()
		if s.value != nil {
			return ErrStale
		}
		last, err := r.lastSequence(msg.Subject)
		if err != nil {
			return err
		}
		expected = last
	}
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(expected))
	return nil
}

// lastSequence is the sequence number of a subject's mark of deletion, 0 if it has no message. ErrStale if it has a
// document.
func (r *Records) lastSequence(subject string) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	stream, err := r.js.Stream(ctx, "KV_"+recordsBucket)
	if err != nil {
		return 0, err
	}
	msg, err := stream.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case msg.Header.Get(operationHeader) == "" && msg.Header.Get(jetstream.MarkerReasonHeader) == "":
		return 0, ErrStale
	}
	return msg.Sequence, nil
}

// document is a value as it is stored.
type document struct {
	Schema int             `json:"schema"`
	Value  json.RawMessage `json:"value"`
}
