package node

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// Config is everything an operator decides about a server. Start from Default. To add a setting: a member here with
// its unit and default, a flag in cmd/thaw/serve.go, a line in check.
type Config struct {
	// DataDir holds all state: records, code, images, credentials. One server at a time uses it.
	DataDir string
	// Listen is the address of the HTTP API, host:port. Port 0 picks a free one.
	Listen string
	// Account is the 12-digit id of the one account.
	Account string
	// Region is the name that ARNs and signatures carry.
	Region string
	// Zone is the id of the availability zone that functions learn about; empty: the first of Region.
	Zone string
	// Engine is what isolates functions: "gvisor", "microvm", or "fake", which runs no user code.
	Engine string
	// EngineFor chooses another engine for some functions, each as PATTERN=ENGINE; the first that matches holds. A pattern is
	// a function's ARN without qualifier, in which * stands for anything within one of its parts. Every engine that is named
	// must work on this host.
	EngineFor []string
	// VMM is the monitor of the engine microvm: "qemu", "firecracker", or "auto", which is Firecracker where it is installed and
	// KVM works, and else QEMU.
	VMM string
	// GuestDir holds the kernel that virtual machines run, see package guest; it may be shared by servers. Empty:
	// DataDir/guest.
	GuestDir string
	// ReportEngine has the REPORT lines of functions name their engine, which tenants do not learn otherwise.
	ReportEngine bool
	// MemoryBudget bounds what all execution environments together reserve, in bytes. 0 means three quarters of the
	// host's memory.
	MemoryBudget int64
	// KeepAlive is how long an idle environment is kept at most; 0 keeps none. The keep-alive policy chooses below it.
	KeepAlive time.Duration
	// KeepAliveMin is how long an idle environment is kept at least; above KeepAlive it counts as KeepAlive.
	KeepAliveMin time.Duration
	// FreezeAfter is how long an environment must be idle before it is frozen; negative never freezes.
	FreezeAfter time.Duration
	// HotSlots and EmptySlots are how many slots of each kind are kept at least for each runtime that functions use.
	// Demand raises the stocks above it, unless HotSlots is -1: then there never are any hot ones.
	HotSlots, EmptySlots int
	// SlotMemory bounds what the stocks reserve together, in bytes. 0 means a quarter of MemoryBudget.
	SlotMemory int64
	// SnapshotLatest lets functions whose init is heavy start from a snapshot without asking for SnapStart, $LATEST too.
	SnapshotLatest bool
	// SnapshotBytes bounds what snapshots take on disk; the least useful go first.
	SnapshotBytes int64
	// RequireRoles refuses functions whose execution role was not created, as AWS does. Without it such a function may invoke
	// its account's functions and write logs.
	RequireRoles bool
	// AccountConcurrency is how many invocations of one account run at once.
	AccountConcurrency int
	// ScalingRate is by how many environments one function may grow in ten seconds.
	ScalingRate int
	// StreamRate bounds the average rate of a streamed answer after its first 6 MiB, in bytes per second; 0 does not.
	StreamRate int64
	// URLDomain is a domain below which functions have URLs beside localhost: <url-id>.lambda-url.<region>.<URLDomain>. Empty:
	// none. The domain's names must lead to this server, which serves them on the port of the API.
	URLDomain string
	// URLHosts are further host names of function URLs, each as name=target; the target is the id of a URL, or the ARN of a
	// function or an alias that has one.
	URLHosts []string
	// OpsListen is an address, host:port, at which the operator's /metrics and /status are served as they are on the
	// socket DataDir/ops.sock. It has no authentication and shows all accounts. Empty: only the socket.
	OpsListen string
	// SQSEndpoint, SNSEndpoint and EventsEndpoint are where the records of asynchronous invocations go whose destinations are of
	// these services, http or https URLs; EventsEndpoint is EventBridge's. Those for buckets go to S3Endpoint. Destinations of
	// a service without an endpoint are refused.
	SQSEndpoint, SNSEndpoint, EventsEndpoint string
	// EndpointsCredentials is a file with the access key for them, in the format of AWS tools, profile "default". It signs
	// records for buckets, too, if there are no S3Credentials.
	EndpointsCredentials string
	// EventDelays are the times between the tries of asynchronous invocations; the zero value means Lambda's.
	EventDelays async.Delays
	// EgressDeny are extra networks, in CIDR form, that functions must not reach. The host's own addresses, loopback,
	// link-local and metadata addresses are always refused.
	EgressDeny []string
	// Resolvers are the name servers, host:port, that functions' DNS queries go to. Empty means the host's own, from
	// /etc/resolv.conf.
	Resolvers []string
	// S3Endpoint is the URL of the S3-compatible store that code named by bucket and key is read from, http or https and
	// without a path. Empty: such code is refused.
	S3Endpoint string
	// S3Region goes into the signatures of requests to it; empty means Region.
	S3Region string
	// S3Credentials is a file of credentials in the format of AWS tools, whose profile "default" signs those requests.
	// Empty: they are not signed. Every account can deploy whatever they let it read.
	S3Credentials string
	// Helpers are the programs that run beside the daemon. Empty means those that make build embedded.
	Helpers embedded.Paths
	// Logger gets the platform's log. Required.
	Logger *slog.Logger
}

// Default is the configuration of a server that was told nothing.
func Default() Config {
	return Config{
		DataDir:   "/var/lib/thaw",
		Listen:    "127.0.0.1:4580",
		Account:   "000000000000",
		Region:    "us-east-1",
		Engine:    "gvisor",
		VMM:       vmmAuto,
		KeepAlive: 24 * time.Hour,

		KeepAliveMin:       time.Minute,
		FreezeAfter:        time.Second,
		HotSlots:           2,
		EmptySlots:         1,
		SnapshotBytes:      10 << 30,
		AccountConcurrency: lambda.AccountConcurrency,
		ScalingRate:        lambda.ScalingRate,
		StreamRate:         invoke.DefaultStreamRate,
		Logger:             slog.New(slog.DiscardHandler),
	}
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	zonePattern    = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	hostPattern    = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// check completes c and says what is wrong with it.
func (c *Config) check() error {
	switch {
	case c.DataDir == "":
		return errors.New("no data directory")
	case !accountPattern.MatchString(c.Account):
		return fmt.Errorf("account %q: want 12 digits", c.Account)
	case !regionPattern.MatchString(c.Region):
		return fmt.Errorf("region %q: want a form like us-east-1", c.Region)
	case c.Zone != "" && !zonePattern.MatchString(c.Zone):
		return fmt.Errorf("availability zone id %q: want a form like use1-az1", c.Zone)
	case c.MemoryBudget < 0 || c.KeepAlive < 0 || c.KeepAliveMin < 0 || c.SlotMemory < 0 || c.SnapshotBytes < 0:
		return errors.New("memory budget, slot memory, snapshot bytes and keep-alives must not be negative")
	case !slices.Contains(vmms, c.VMM):
		return fmt.Errorf("virtual machine monitor %q: there are %s", c.VMM, list(vmms))
	case c.StreamRate < 0:
		return fmt.Errorf("stream rate %d: must not be negative", c.StreamRate)
	case c.HotSlots < -1 || c.EmptySlots < 0:
		return errors.New("numbers of slots must not be negative, except -1 for no hot slots at all")
	case c.AccountConcurrency < lambda.MinUnreserved:
		return fmt.Errorf("account concurrency %d: at least %d", c.AccountConcurrency, lambda.MinUnreserved)
	case c.S3Endpoint == "" && (c.S3Region != "" || c.S3Credentials != ""):
		return errors.New("an S3 region or credentials without an S3 endpoint")
	case c.URLDomain != "" && !hostPattern.MatchString(c.URLDomain):
		return fmt.Errorf("URL domain %q: want a domain name in lower case", c.URLDomain)
	case c.ScalingRate < 1:
		return fmt.Errorf("scaling rate %d: at least 1", c.ScalingRate)
	}
	if _, err := c.urlHosts(); err != nil {
		return err
	}
	if _, err := readEnginePolicy(c.Engine, c.EngineFor); err != nil {
		return err
	}
	if c.Zone == "" {
		c.Zone = lambda.ZoneID(c.Region)
	}
	if c.MemoryBudget == 0 {
		total, err := hostMemory()
		if err != nil {
			return err
		}
		c.MemoryBudget = total / 4 * 3
	}
	if c.SlotMemory == 0 {
		c.SlotMemory = c.MemoryBudget / 4
	}
	return nil
}

// hostMemory is the host's memory in bytes.
func hostMemory() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no MemTotal in /proc/meminfo")
}
