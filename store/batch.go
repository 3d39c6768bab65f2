package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errLost is returned by batch when one of the records was not in the expected state.
var errLost = errors.New("compare-and-set failed")

// put is one record of a batch.
type put struct {
	key      recordKey
	value    []byte
	expected uint64 // sequence number of the key's state now, 0 if there is none
}

// Headers and error code of atomic batches. Source: NATS ADR-50; nats-server, errors.json, JSStreamWrongLastSequenceErrF
// and JSStreamWrongLastSequenceConstantErr.
const (
	batchIDHeader       = "Nats-Batch-Id"
	batchSequenceHeader = "Nats-Batch-Sequence"
	batchCommitHeader   = "Nats-Batch-Commit"

	wrongLastSequence         = 10071
	wrongLastSequenceConstant = 10164
)

// batch stores all records or none. It returns the sequence number of the last; the others have those right before.
func (s *Functions) batch(ctx context.Context, puts []put) (last uint64, err error) {
	msgs := make([]*nats.Msg, len(puts))
	for i, p := range puts {
		msgs[i] = nats.NewMsg(subject(p.key))
		msgs[i].Data = p.value
		msgs[i].Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(p.expected, 10))
	}
	return publishAll(ctx, s.conn, msgs)
}

// publishAll stores all messages or none, each if the state it expects is there, else errLost. Their headers become the
// batch's.
func publishAll(ctx context.Context, conn *nats.Conn, msgs []*nats.Msg) (last uint64, err error) {
	id := rand.Text()
	for i, msg := range msgs {
		if len(msgs) > 1 {
			msg.Header.Set(batchIDHeader, id)
			msg.Header.Set(batchSequenceHeader, strconv.Itoa(i+1))
		}
		if i < len(msgs)-1 {
			if err := conn.PublishMsg(msg); err != nil {
				return 0, err
			}
			continue
		}
		if len(msgs) > 1 {
			msg.Header.Set(batchCommitHeader, "1")
		}
		reply, err := conn.RequestMsgWithContext(ctx, msg)
		if err != nil {
			return 0, err
		}
		return batchAck(reply.Data)
	}
	return 0, errors.New("empty batch")
}

// batchAck reads the server's answer to the end of a batch.
func batchAck(data []byte) (last uint64, err error) {
	var ack struct {
		Sequence uint64              `json:"seq"`
		Error    *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, fmt.Errorf("acknowledgement of a batch: %w", err)
	}
	switch {
	case ack.Error != nil && (ack.Error.ErrorCode == wrongLastSequence || ack.Error.ErrorCode == wrongLastSequenceConstant):
		return 0, errLost
	case ack.Error != nil:
		return 0, ack.Error
	case ack.Sequence == 0:
		return 0, errors.New("acknowledgement of a batch without a sequence number")
	}
	return ack.Sequence, nil
}
