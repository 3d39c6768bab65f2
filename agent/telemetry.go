package agent

import (
	"bytes"
	"encoding/json"
	"fmt"

	"thaw.dev/thaw/link"
)

// subscriptions asks the host about them; it is a telemetryapi.Host.
type subscriptions struct{ questions *questions }

func (s subscriptions) Subscribe(sub link.Subscription) (bool, error) {
	answer, err := s.questions.ask(link.AskMeta{Subscribe: &sub})
	return answer.Refusal == "", err
}

// maxEventBytes bounds an event for subscribers: a line of the log, which JSON makes longer, and what is around it.
const maxEventBytes = 2 << 20

// forward hands an event of the host to the subscribers.
func (a *agent) forward(r *link.Reader, f link.Frame) error {
	text, first, err := link.SplitMeta(f.Body)
	if err != nil {
		return err
	}
	var meta link.TelemetryMeta
	if err := json.Unmarshal(text, &meta); err != nil {
		return fmt.Errorf("%w: metadata of an event: %w", link.ErrProtocol, err)
	}
	event, _, tooLarge, err := r.Payload(f, first, maxEventBytes)
	if err != nil {
		return err
	}
	if a.run != nil && !tooLarge {
		a.run.telemetry.Deliver(meta.To, bytes.Clone(event))
	}
	return nil
}

// flush has subscribers get what waits for them, and tells the host afterwards.
func (a *agent) flush(m *link.FlushMeta) error {
	done := func() { _ = a.control.json(link.TypeFlushed, *m) } // if the host is gone, Run ends
	if a.run == nil {
		done()
		return nil
	}
	a.run.telemetry.Flush(done)
	return nil
}
