package pool

import "time"

// Source says what a cold start began with; it is a metric label and a log attribute.
type Source string

// Sources of a cold start, the fastest first.
const (
	SourceHot      Source = "hot"      // a hot slot: the runtime was up
	SourceSnapshot Source = "snapshot" // a snapshot of the initialised function, restored into an empty slot or a new sandbox
	SourceEmpty    Source = "empty"    // an empty slot: the sandbox was there
	SourceNone     Source = "none"     // nothing: the sandbox had to be created
)

// EnvironmentState is what an environment does at a moment.
type EnvironmentState string

// States of an environment.
const (
	StateStarting EnvironmentState = "starting" // its cold start goes on
	StateBusy     EnvironmentState = "busy"     // an invocation has it
	StateIdle     EnvironmentState = "idle"     // waits for an invocation and may use CPU
	StateFrozen   EnvironmentState = "frozen"   // waits for an invocation and gets no CPU
)

// Status is everything the pool holds at one moment, for operators.
type Status struct {
	At            time.Time           `json:"at"`
	Engine        string              `json:"engine"` // of functions for which the operator chose no other
	Engines       []EngineStatus      `json:"engines"`
	BudgetBytes   int64               `json:"budget_bytes"`
	ReservedBytes int64               `json:"reserved_bytes"` // environments and stocks together
	Environments  []EnvironmentStatus `json:"environments"`
	Stocks        []StockStatus       `json:"stocks"`
	Waiting       []WaitingStatus     `json:"waiting"` // functions whose callers wait for an environment
	Snapshots     SnapshotStatus      `json:"snapshots"`
}

// EngineStatus is an engine that functions can have.
type EngineStatus struct {
	Name        string `json:"name"`
	Monitor     string `json:"monitor,omitempty"`     // the program that its virtual machines are in, where it has some
	Accelerator string `json:"accelerator,omitempty"` // what executes them: "kvm", or "tcg", which is emulation
}

// Emulated reports whether the engine's virtual machines are: their times say nothing about those under KVM.
func (e EngineStatus) Emulated() bool { return e.Accelerator == emulation }

// EnvironmentStatus is one environment.
type EnvironmentStatus struct {
	ID            string           `json:"id"`
	Account       string           `json:"account"`
	Function      string           `json:"function"`
	Version       string           `json:"version"`
	Runtime       string           `json:"runtime"`
	Engine        string           `json:"engine"` // empty in StateStarting
	State         EnvironmentState `json:"state"`
	Provisioned   bool             `json:"provisioned"`
	Source        Source           `json:"source"`
	ReservedBytes int64            `json:"reserved_bytes"`
	UsedBytes     int64            `json:"used_bytes"` // 0 while unknown
	Served        int              `json:"served"`     // invocations begun
	Since         time.Time        `json:"since"`      // when it came into State
	Until         time.Time        `json:"until"`      // when its keep-alive ends; zero unless idle or frozen
}

// StockStatus is one stock of slots without a tenant.
type StockStatus struct {
	Kind          Source `json:"kind"`    // SourceHot or SourceEmpty
	Runtime       string `json:"runtime"` // the runtime whose image the slots have
	Engine        string `json:"engine"`
	MemoryMB      int    `json:"memory_mb"` // what a slot can have at most; 0 if any function may use it
	Ready         int    `json:"ready"`
	Filling       int    `json:"filling"` // being prepared
	Target        int    `json:"target"`
	Reason        string `json:"reason"` // why Target is what it is, in words
	ReservedBytes int64  `json:"reserved_bytes"`
	Taken         int64  `json:"taken"`   // slots that cold starts took, since the start
	Missed        int64  `json:"missed"`  // cold starts that found none, since the start
	Drained       int64  `json:"drained"` // slots destroyed unused, since the start
}

// WaitingStatus is a function whose callers wait.
type WaitingStatus struct {
	Account  string `json:"account"`
	Function string `json:"function"`
	Version  string `json:"version"`
	Callers  int    `json:"callers"`
	Starting int    `json:"starting"` // cold starts under way for them
}

// SnapshotStatus is what snapshots take on disk.
type SnapshotStatus struct {
	Count  int   `json:"count"`
	Bytes  int64 `json:"bytes"`
	Making int   `json:"making"` // snapshots, of functions and of runtimes, that are being made in the background
}
