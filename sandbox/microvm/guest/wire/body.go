package wire

import "encoding/binary"

// writer appends the parts of a body.
type writer []byte

func (w *writer) u32(v uint32) { *w = binary.BigEndian.AppendUint32(*w, v) }
func (w *writer) i64(v int64)  { *w = binary.BigEndian.AppendUint64(*w, uint64(v)) }

func (w *writer) bytes(v []byte) {
	w.u32(uint32(len(v)))
	*w = append(*w, v...)
}

func (w *writer) string(v string) {
	w.u32(uint32(len(v)))
	*w = append(*w, v...)
}

func (w *writer) strings(v []string) {
	w.u32(uint32(len(v)))
	for _, s := range v {
		w.string(s)
	}
}

// reader takes the parts of a body in their order. After the first that is not there everything is zero and end fails.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (r *reader) i64() int64 {
	if v := r.take(8); v != nil {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (r *reader) bytes() []byte  { return r.take(uint64(r.u32())) }
func (r *reader) string() string { return string(r.bytes()) }

// count is the length of a list whose members take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.u32()
	if uint64(n)*uint64(size) > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) strings() []string {
	list := make([]string, r.count(4))
	for i := range list {
		list[i] = r.string()
	}
	return list
}

// end is nil if everything was there and nothing else.
func (r *reader) end() error {
	if r.bad || len(r.b) > 0 {
		return ErrFormat
	}
	return nil
}
