package store

// eventIndex knows which messages of the stream are still needed. Messages of events are while one of their events is
// unfinished; messages of marks are while a message of events is there to which one of their latest marks belongs. Marks
// come later than what they mark, and messages of events hold no marks, so nothing is kept by what it keeps.
type eventIndex struct {
	messages map[uint64]*eventMessage
	needed   map[uint64]int      // of messages of marks: their marks that are needed
	latest   map[EventKey]uint64 // the message with the latest mark of an unfinished event
}

// eventMessage is a message of events.
type eventMessage struct {
	open  int            // its unfinished events
	marks map[uint64]int // the messages that hold the latest marks of its events, and how many
}

func newEventIndex() eventIndex {
	return eventIndex{messages: map[uint64]*eventMessage{}, needed: map[uint64]int{}, latest: map[EventKey]uint64{}}
}

// added takes up a message of n events.
func (x *eventIndex) added(seq uint64, n int) { x.messages[seq] = &eventMessage{open: n} }

// marked takes up a message of marks. It returns the messages that are no longer needed, in the order in which they may go.
func (x *eventIndex) marked(seq uint64, marks []Mark) (useless []uint64) {
	x.needed[seq] = 0
	for _, m := range marks {
		of := x.messages[m.Key.Seq]
		if of == nil {
			continue // removed already
		}
		if before, ok := x.latest[m.Key]; ok {
			useless = x.release(useless, before, 1, seq)
			if of.marks[before]--; of.marks[before] == 0 {
				delete(of.marks, before)
			}
		}
		if of.marks == nil {
			of.marks = map[uint64]int{}
		}
		of.marks[seq]++
		x.needed[seq]++
		x.latest[m.Key] = seq
		if !m.Finished {
			continue
		}
		delete(x.latest, m.Key)
		if of.open--; of.open == 0 {
			delete(x.messages, m.Key.Seq)
			useless = append(useless, m.Key.Seq)
			for holder, n := range of.marks {
				useless = x.release(useless, holder, n, seq)
			}
		}
	}
	if x.needed[seq] == 0 {
		delete(x.needed, seq)
		useless = append(useless, seq)
	}
	return useless
}

// release says that n marks in a message are no longer needed. The message current is being taken up and stays.
func (x *eventIndex) release(useless []uint64, seq uint64, n int, current uint64) []uint64 {
	if x.needed[seq] -= n; x.needed[seq] > 0 || seq == current {
		return useless
	}
	delete(x.needed, seq)
	return append(useless, seq)
}
