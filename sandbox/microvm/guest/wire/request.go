package wire

// Setup makes a sandbox of a guest that is ready, and starts the agent in it.
type Setup struct {
	Args    []string // of the agent, at least one: its path in the image of drive 0
	Env     []string
	Mounts  []Mount
	Refresh Refresh
}

// Mount is an image to mount: that of drive Drive on the directory Target, absolute in the sandbox.
type Mount struct {
	Drive  uint32
	Target string
}

// Limits of all that runs in the sandbox; 0 is none.
type Limits struct {
	MemoryBytes int64
	Pids        int64
}

// Refresh makes a guest the only one of its kind. An absent network has no Address. What ParseRefresh returns is part of
// what it was given.
type Refresh struct {
	UnixNanos int64  // the time
	Entropy   []byte // secret random bytes
	Hostname  []byte
	Network   Network
	Limits    Limits
}

// Clock says the time again.
type Clock struct {
	UnixNanos int64
}

// Network is the guest's end of its network device. Addresses are 4 or 16 bytes.
type Network struct {
	Address []byte
	Bits    uint32 // the length of the prefix
	Gateway []byte
	MAC     []byte
	MTU     uint32 // bytes
}

// Append appends s's bytes to b; so do the methods of that name below.
func (s *Setup) Append(b []byte) []byte {
	w := writer(b)
	w.strings(s.Args)
	w.strings(s.Env)
	w.u32(uint32(len(s.Mounts)))
	for i := range s.Mounts {
		w = s.Mounts[i].Append(w)
	}
	return s.Refresh.Append(w)
}

// ParseSetup is Append's inverse; so are the functions of that kind below.
func ParseSetup(b []byte) (s Setup, err error) {
	r := reader{b: b}
	s.Args, s.Env = r.strings(), r.strings()
	s.Mounts = make([]Mount, r.count(8))
	for i := range s.Mounts {
		s.Mounts[i] = r.mount()
	}
	s.Refresh = r.refresh()
	if len(s.Args) == 0 {
		r.bad = true
	}
	return s, r.end()
}

// Append is Setup.Append.
func (m *Mount) Append(b []byte) []byte {
	w := writer(b)
	w.u32(m.Drive)
	w.string(m.Target)
	return w
}

func (r *reader) mount() Mount { return Mount{Drive: r.u32(), Target: r.string()} }

// ParseMount is ParseSetup.
func ParseMount(b []byte) (Mount, error) {
	r := reader{b: b}
	m := r.mount()
	return m, r.end()
}

// Append is Setup.Append.
func (l *Limits) Append(b []byte) []byte {
	w := writer(b)
	w.i64(l.MemoryBytes)
	w.i64(l.Pids)
	return w
}

func (r *reader) limits() Limits {
	l := Limits{MemoryBytes: r.i64(), Pids: r.i64()}
	r.bad = r.bad || l.MemoryBytes < 0 || l.Pids < 0
	return l
}

// ParseLimits is ParseSetup.
func ParseLimits(b []byte) (Limits, error) {
	r := reader{b: b}
	l := r.limits()
	return l, r.end()
}

// Append is Setup.Append.
func (f *Refresh) Append(b []byte) []byte {
	w := writer(b)
	w.i64(f.UnixNanos)
	w.bytes(f.Entropy)
	w.bytes(f.Hostname)
	w.bytes(f.Network.Address)
	w.u32(f.Network.Bits)
	w.bytes(f.Network.Gateway)
	w.bytes(f.Network.MAC)
	w.u32(f.Network.MTU)
	return f.Limits.Append(w)
}

func (r *reader) refresh() Refresh {
	return Refresh{
		UnixNanos: r.i64(), Entropy: r.bytes(), Hostname: r.bytes(),
		Network: Network{Address: r.bytes(), Bits: r.u32(), Gateway: r.bytes(), MAC: r.bytes(), MTU: r.u32()},
		Limits:  r.limits(),
	}
}

// ParseRefresh is ParseSetup.
func ParseRefresh(b []byte) (Refresh, error) {
	r := reader{b: b}
	f := r.refresh()
	return f, r.end()
}

// Append is Setup.Append.
func (c *Clock) Append(b []byte) []byte {
	w := writer(b)
	w.i64(c.UnixNanos)
	return w
}

// ParseClock is ParseSetup.
func ParseClock(b []byte) (Clock, error) {
	r := reader{b: b}
	c := Clock{UnixNanos: r.i64()}
	return c, r.end()
}
