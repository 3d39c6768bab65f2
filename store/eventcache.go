package store

import "container/list"

// maxCacheBytes bounds the messages of events that are kept in memory.
const maxCacheBytes = 16 << 20

// eventCache keeps the messages that were written or read last. Its user locks it.
type eventCache struct {
	bytes   int
	entries map[uint64]*list.Element
	recent  *list.List // of cachedMessage, the most recent first
}

type cachedMessage struct {
	seq  uint64
	data []byte
}

func newEventCache() eventCache {
	return eventCache{entries: map[uint64]*list.Element{}, recent: list.New()}
}

func (c *eventCache) get(seq uint64) ([]byte, bool) {
	el, ok := c.entries[seq]
	if !ok {
		return nil, false
	}
	c.recent.MoveToFront(el)
	return el.Value.(cachedMessage).data, true
}

func (c *eventCache) put(seq uint64, data []byte) {
	if _, ok := c.entries[seq]; ok || len(data) > maxCacheBytes/2 {
		return
	}
	c.entries[seq] = c.recent.PushFront(cachedMessage{seq, data})
	for c.bytes += len(data); c.bytes > maxCacheBytes; {
		c.drop(c.recent.Back().Value.(cachedMessage).seq)
	}
}

func (c *eventCache) drop(seq uint64) {
	if el, ok := c.entries[seq]; ok {
		c.bytes -= len(el.Value.(cachedMessage).data)
		c.recent.Remove(el)
		delete(c.entries, seq)
	}
}
