// Package wire is what the conformance suite and its guest program say to each other: one JSON object per line.
package wire

// Hello is the guest's first line.
type Hello struct {
	Hello bool `json:"hello"`
	UID   int  `json:"uid"`
}

// Operations of the guest.
const (
	Echo    = "echo"    // Text comes back
	Exit    = "exit"    // PID 1 exits with status N
	Print   = "print"   // Text goes to the log channel
	Garbage = "garbage" // N meaningless bytes go to the data channel
	List    = "list"    // the names in directory Path
	Read    = "read"    // the beginning of file Path
	Write   = "write"   // Text into file Path
	Free    = "free"    // N is the free bytes of the file system Path is on
	Connect = "connect" // TCP to Text, "host:port"
	Talk    = "talk"    // send Text on the TCP connection to Path, which stays open, and receive as much
	Ask     = "ask"     // send Text as a datagram to Path, and receive one

	Count    = "count"    // N is how often PID 1 was asked this
	AskChild = "askchild" // N is how often a child process of PID 1, made the first time, was asked this
	ReadOn   = "readon"   // the next N bytes of file Path, which stays open
	Random   = "random"   // random numbers from all sources, as text
	Clocks   = "clocks"   // N is Unix time, Text the monotonic clock, both in nanoseconds
	Hostname = "hostname" // Text is the host's name

	Start = "start" // run this program as a tenant until the sandbox ends: Args, UID
	Run   = "run"   // run this program as a tenant: Args, UID, Processes; N is the exit code, Text what it printed
)

// Things a tenant does, the first of Request.Args with Run.
const (
	TenantAlloc    = "alloc"    // ARG MB, touched
	TenantFill     = "fill"     // write file ARG until it fails; prints how many bytes went in and the error
	TenantForkBomb = "forkbomb" // processes that make processes; prints the error that ended it
	TenantSpin     = "spin"     // burn CPU for ARG ms of wall time
	TenantRead     = "read"     // print the beginning of file ARG
	TenantCount    = "count"    // what AskChild asks
	TenantBurn     = "burn"     // burn CPU for ever in the way ARG, with Start
)

// Ways to burn CPU.
const (
	BurnLoop    = "loop"    // one thread that computes
	BurnThreads = "threads" // several of them
	BurnCalls   = "calls"   // system calls
	BurnForks   = "forks"   // processes that come and go
)

// Request is a command.
type Request struct {
	Op        string   `json:"op"`
	Text      string   `json:"text,omitempty"`
	Path      string   `json:"path,omitempty"`
	N         int64    `json:"n,omitempty"`
	Args      []string `json:"args,omitempty"`
	UID       int      `json:"uid,omitempty"`
	Processes uint64   `json:"processes,omitempty"` // RLIMIT_NPROC; 0 leaves it
}

// Response is its answer.
type Response struct {
	Text  string   `json:"text,omitempty"`
	Names []string `json:"names,omitempty"`
	N     int64    `json:"n,omitempty"`
	Err   string   `json:"err,omitempty"`
}
