package sandbox

// State is where a sandbox stands in its life cycle.
type State uint8

// States. The zero value is no state.
const (
	_              State = iota
	StateCreated         // Create returned it; nothing runs inside yet
	StateRunning         // the agent runs
	StatePaused          // nothing inside gets CPU
	StateBroken          // a step failed half way; only Destroy is allowed
	StateDestroyed       // nothing is left
)

func (s State) String() string {
	switch s {
	case StateCreated:
		return "created"
	case StateRunning:
		return "running"
	case StatePaused:
		return "paused"
	case StateBroken:
		return "broken"
	case StateDestroyed:
		return "destroyed"
	}
	return "invalid"
}

// Op is a method of Sandbox that the life cycle governs.
type Op uint8

// Operations.
const (
	_ Op = iota
	OpStart
	OpRestore
	OpAttach
	OpLimit
	OpStats
	OpPause
	OpResume
	OpCheckpoint
	OpDestroy
)

func (o Op) String() string {
	switch o {
	case OpStart:
		return "start"
	case OpRestore:
		return "restore"
	case OpAttach:
		return "attach"
	case OpLimit:
		return "limit"
	case OpStats:
		return "stats"
	case OpPause:
		return "pause"
	case OpResume:
		return "resume"
	case OpCheckpoint:
		return "checkpoint"
	case OpDestroy:
		return "destroy"
	}
	return "invalid"
}

// Step is one allowed step of the life cycle: Op in state From leads to state To.
type Step struct {
	From State
	Op   Op
	To   State
}

// LifeCycle lists every allowed step. What is not listed is refused: with ErrDestroyed after Destroy, else with
// ErrState. A step that fails leads to StateBroken instead of To.
var LifeCycle = [...]Step{
	{StateCreated, OpStart, StateRunning},
	{StateCreated, OpRestore, StateRunning},
	{StateCreated, OpAttach, StateCreated},
	{StateCreated, OpLimit, StateCreated},
	{StateCreated, OpStats, StateCreated},
	{StateCreated, OpDestroy, StateDestroyed},

	{StateRunning, OpAttach, StateRunning},
	{StateRunning, OpLimit, StateRunning},
	{StateRunning, OpStats, StateRunning},
	{StateRunning, OpPause, StatePaused},
	{StateRunning, OpCheckpoint, StateRunning},
	{StateRunning, OpDestroy, StateDestroyed},

	{StatePaused, OpResume, StateRunning},
	{StatePaused, OpLimit, StatePaused},
	{StatePaused, OpStats, StatePaused},
	{StatePaused, OpDestroy, StateDestroyed},

	{StateBroken, OpDestroy, StateDestroyed},
	{StateDestroyed, OpDestroy, StateDestroyed},
}

// next returns the state that op leads to, and whether it is allowed in state from.
func next(from State, op Op) (State, bool) {
	for _, s := range LifeCycle {
		if s.From == from && s.Op == op {
			return s.To, true
		}
	}
	return 0, false
}
