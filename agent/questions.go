package agent

import (
	"errors"
	"sync"

	"thaw.dev/thaw/link"
)

var errNoAnswer = errors.New("the host gives no answer")

// questions are those of one run that the host has not answered yet. It is the host that knows whether init goes on,
// which function this is, and which token is the right one: the agent would have to be told at each cold start.
type questions struct {
	control *sender
	era     uint32

	mu     sync.Mutex
	last   uint32                          // guarded by mu
	open   map[uint32]chan link.AnswerMeta // guarded by mu; nil once close was called
	closed bool                            // guarded by mu
}

func newQuestions(control *sender, era uint32) *questions {
	return &questions{control: control, era: era, open: map[uint32]chan link.AnswerMeta{}}
}

// ask waits for the host's answer; errNoAnswer after close.
func (q *questions) ask(m link.AskMeta) (link.AnswerMeta, error) {
	answer := make(chan link.AnswerMeta, 1)
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return link.AnswerMeta{}, errNoAnswer
	}
	q.last++
	m.ID, m.Era = q.last, q.era
	q.open[m.ID] = answer
	q.mu.Unlock()
	if err := q.control.json(link.TypeAsk, m); err != nil {
		return link.AnswerMeta{}, err
	}
	a, ok := <-answer
	if !ok {
		return link.AnswerMeta{}, errNoAnswer
	}
	return a, nil
}

// answered hands an answer to who waits for it.
func (q *questions) answered(m link.AnswerMeta) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if answer := q.open[m.ID]; answer != nil {
		delete(q.open, m.ID)
		answer <- m
	}
}

// close lets everybody go who waits.
func (q *questions) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for id, answer := range q.open {
		delete(q.open, id)
		close(answer)
	}
}

// answer takes the host's answer to a question. One that came too late is for nobody.
func (a *agent) answer(m *link.AnswerMeta) error {
	if a.run != nil {
		a.run.questions.answered(*m)
	}
	return nil
}

// host is the platform as the extensions' registry sees it. That a message could not be sent means that the host is
// gone, and then Run ends.
type host struct {
	control   *sender
	questions *questions
	era       uint32
}

func (h *host) Register(e link.Extension) (link.AnswerMeta, error) {
	return h.questions.ask(link.AskMeta{Register: &e})
}

func (h *host) Extended() { _ = h.control.json(link.TypeExtended, link.ExtensionMeta{Era: h.era}) }

func (h *host) Listening(name, after string) {
	_ = h.control.json(link.TypeListening, link.ExtensionMeta{Era: h.era, Name: name, After: after})
}

func (h *host) Broken(name, errorType, message string) {
	_ = h.control.json(link.TypeBroken, link.BrokenMeta{Era: h.era, Name: name, Type: errorType, Message: message})
}
