package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func goldenEvents(t testing.TB) (events, marks []byte) {
	t.Helper()
	e := Event{
		EventHead: EventHead{
			ID: "8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11", Account: "000000000000", Function: "f", Qualifier: "live",
			Accepted: time.UnixMilli(1_700_000_000_123).UTC(), Target: "arn:aws:sqs:us-east-1:000000000000:q",
			Progress: Progress{Attempts: 2, Refusals: 3, Next: time.UnixMilli(1_700_000_060_000).UTC(), Since: time.UnixMilli(1_700_000_000_500).UTC(), Undelivered: true, LastError: "no"},
		},
		ARN: "arn:aws:lambda:us-east-1:000000000000:function:f:live", TraceID: "Root=1-2-3",
		Delivery: &Delivery{Success: true, DeadLetter: true, ErrorCode: 200, ErrorMessage: "m", FunctionARN: "arn"},
		Payload:  []byte(`{"a":1}`),
	}
	record, err := encodeEvent(&e)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := encodeEvent(&Event{EventHead: EventHead{ID: "b", Account: "000000000000", Function: "g"}})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := encodeMark(Mark{Key: EventKey{7, 1}, Progress: e.Progress})
	if err != nil {
		t.Fatal(err)
	}
	finished, err := encodeMark(Mark{Key: EventKey{7, 0}, Finished: true})
	if err != nil {
		t.Fatal(err)
	}
	return join([][]byte{record, plain}), join([][]byte{changed, finished})
}

// What this release writes is what the files of the schema hold, which later releases must read.
func TestStoredFormOfEvents(t *testing.T) {
	t.Parallel()
	events, marks := goldenEvents(t)
	for name, got := range map[string][]byte{"events-v1.bin": events, "marks-v1.bin": marks} {
		path := filepath.Join("testdata", name)
		if os.Getenv("THAW_UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	e, err := eventAt(events, 0)
	if err != nil || e.ID != "8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11" || e.Delivery.ErrorCode != 200 || string(e.Payload) != `{"a":1}` {
		t.Errorf("read back: %+v, %v", e, err)
	}
	m, err := decodeMarks(marks)
	if err != nil || len(m) != 2 || m[0].Finished || m[0].Progress != e.Progress || !m[1].Finished {
		t.Errorf("read back: %+v, %v", m, err)
	}
	if _, err := decodeHeads([]byte{eventSchema + 1}); !errors.Is(err, ErrNewer) {
		t.Errorf("a message of a later release: %v", err)
	}
}

// Messages come from the disk, which may be anybody's: whatever is in them is read or refused.
func FuzzEventMessage(f *testing.F) {
	events, marks := goldenEvents(f)
	f.Add(events)
	f.Add(marks)
	f.Add([]byte{eventSchema, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		heads, _ := decodeHeads(data) // refused is as good as read
		for i := range heads {
			if e, err := eventAt(data, i); err != nil && e == nil {
				t.Errorf("event %d of %d: %v", i, len(heads), err)
			}
		}
		marks, _ := decodeMarks(data)
		for _, m := range marks {
			if _, err := encodeMark(m); err != nil {
				t.Errorf("%+v cannot be written: %v", m, err)
			}
		}
	})
}
