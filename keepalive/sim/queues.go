package sim

// ranking is a heap of idle environments, the least priority first; it keeps environment.rank.
type ranking []*environment

func (r ranking) Len() int           { return len(r) }
func (r ranking) Less(i, j int) bool { return r[i].priority < r[j].priority }
func (r ranking) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].rank, r[j].rank = i, j
}

// Push implements heap.Interface.
func (r *ranking) Push(x any) {
	e := x.(*environment)
	e.rank = len(*r)
	*r = append(*r, e)
}

// Pop implements heap.Interface.
func (r *ranking) Pop() any {
	s := *r
	e := s[len(s)-1]
	*r = s[:len(s)-1]
	return e
}

// alarm is when an environment is to be made ahead; void if the fleet has another plan by then.
type alarm struct {
	at       int64
	function uint32
	plan     int
}

// alarms is a heap, the earliest first.
type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at < a[j].at }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *alarms) Push(x any) { *a = append(*a, x.(alarm)) }

// Pop implements heap.Interface.
func (a *alarms) Pop() any {
	s := *a
	x := s[len(s)-1]
	*a = s[:len(s)-1]
	return x
}
