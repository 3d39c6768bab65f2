package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	journalStream  = "JOURNALS"
	journalSubject = "journals." // followed by the journal's id

	summaryHeader = "Thaw-Summary" // of an entry's last part: the journal's summary, in base64
	partHeader    = "Thaw-Part"    // how many parts of the entry follow; absent for 0
	// journalPartBytes is how much of an entry one message carries.
	journalPartBytes = 4 << 20
)

// MaxSummaryBytes bounds a journal's summary, in bytes.
const MaxSummaryBytes = 8 << 10

// ErrNoJournal is returned by Journals.Read for a journal that has no entry. Match with errors.Is.
var ErrNoJournal = errors.New("no such journal")

// Journals are lists of entries that only grow until they are removed as a whole, each with a summary that its last entry
// brought. Entries are on disk, synced, when Append returns, whole or not at all. Open reads the summaries alone, entries are
// read when somebody asks. What they mean is their writer's affair; package durable has one for each execution.
type Journals struct {
	conn      *nats.Conn
	stream    jetstream.Stream
	summaries map[string][]byte
}

func openJournals(ctx context.Context, conn *nats.Conn, js jetstream.JetStream, log *slog.Logger) (*Journals, error) {
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: journalStream, Description: "Durable executions", Subjects: []string{journalSubject + "*"},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, AllowDirect: true, AllowAtomicPublish: true,
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", journalStream, err)
	}
	j := &Journals{conn: conn, stream: stream, summaries: map[string][]byte{}}
	if err := j.load(ctx, log); err != nil {
		return nil, fmt.Errorf("stream %s: %w", journalStream, err)
	}
	return j, nil
}

// load reads the header of each journal's last message.
func (j *Journals) load(ctx context.Context, log *slog.Logger) error {
	info, err := j.stream.Info(ctx)
	if err != nil || info.State.Msgs == 0 {
		return err
	}
	consumer, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, HeadersOnly: true,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		id, ok := decodeToken(msg.Subject()[len(journalSubject):])
		summary, err := base64.StdEncoding.DecodeString(msg.Headers().Get(summaryHeader))
		if !ok || err != nil || len(summary) == 0 {
			log.Error("journal without a summary", "subject", msg.Subject(), "err", err)
		} else {
			j.summaries[id] = summary
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}

// Recovered returns the summaries of all journals that Open found, by their ids, once.
func (j *Journals) Recovered() map[string][]byte {
	all := j.summaries
	j.summaries = nil
	return all
}

// Append adds an entry to a journal and replaces its summary. Those of one journal must be added one at a time. After an
// error the entry may or may not be there. Errors: ErrTooLarge for a summary above MaxSummaryBytes.
func (j *Journals) Append(ctx context.Context, id string, summary, entry []byte) error {
	if len(summary) > MaxSummaryBytes {
		return fmt.Errorf("journal %s: summary of %d bytes: %w", id, len(summary), ErrTooLarge)
	}
	var msgs []*nats.Msg
	for parts := max(1, (len(entry)+journalPartBytes-1)/journalPartBytes); parts > 0; parts-- {
		msg := nats.NewMsg(journalSubject + encodeToken(id))
		n := min(len(entry), journalPartBytes)
		msg.Data, entry = entry[:n], entry[n:]
		if parts > 1 {
			msg.Header.Set(partHeader, strconv.Itoa(parts-1))
		} else {
			msg.Header.Set(summaryHeader, base64.StdEncoding.EncodeToString(summary))
		}
		msgs = append(msgs, msg)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout) // it is there or not, whether the caller waits or leaves
	defer cancel()
	if _, err := publishAll(ctx, j.conn, msgs); err != nil {
		return fmt.Errorf("append to journal %s: %w", id, err)
	}
	return nil
}

// Read returns the entries of a journal in their order. ErrNoJournal if there is none.
func (j *Journals) Read(ctx context.Context, id string) ([][]byte, error) {
	subject := journalSubject + encodeToken(id)
	var entries [][]byte
	var part []byte
	for seq := uint64(1); ; seq++ {
		msg, err := j.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read journal %s: %w", id, err)
		}
		seq = msg.Sequence
		if msg.Header.Get(partHeader) != "" {
			part = append(part, msg.Data...)
			continue
		}
		if part != nil {
			msg.Data, part = append(part, msg.Data...), nil
		}
		entries = append(entries, msg.Data)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("read journal %s: %w", id, ErrNoJournal)
	}
	return entries, nil
}

// removeTimeout bounds the removal of one journal.
const removeTimeout = 30 * time.Second

// Remove removes a journal with all its entries.
func (j *Journals) Remove(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	if err := j.stream.Purge(ctx, jetstream.WithPurgeSubject(journalSubject+encodeToken(id))); err != nil {
		return fmt.Errorf("remove journal %s: %w", id, err)
	}
	return nil
}
