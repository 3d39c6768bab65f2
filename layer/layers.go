package layer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Packages stores the zips; *code.Store is one.
type Packages interface {
	// Put stores a zip after looking into it. A *lambda.Error means that it is no usable one.
	Put(ctx context.Context, zip []byte) (lambda.Code, error)
}

// Options configure Layers. All members are required.
type Options struct {
	Region   string // goes into ARNs
	Records  *store.Records
	Packages Packages
	// FunctionBytes is what the account's functions take of its code storage.
	FunctionBytes func(account string) int64
}

// Layers are the layers of all accounts.
type Layers struct {
	region        string
	packages      Packages
	functionBytes func(account string) int64
	records       *store.Records
	heads         *store.Collection[head]
	versions      *store.Collection[Version]
}

// The versions of the records' forms.
const (
	headSchema    = 1
	versionSchema = 1
)

// New returns the layers that are in the store.
func New(o Options) *Layers {
	return &Layers{
		region: o.Region, packages: o.Packages, functionBytes: o.FunctionBytes, records: o.Records,
		heads:    store.NewCollection[head](o.Records, "layer", headSchema),
		versions: store.NewCollection[Version](o.Records, "layer-version", versionSchema),
	}
}

// head is what is known of a layer as a whole.
type head struct {
	Last  int   `json:"last"`           // the highest number that a version ever had
	Live  []int `json:"live,omitempty"` // those that are there, ascending
	Bytes int64 `json:"bytes"`          // sum of the sizes of their packages
}

// Version is one version of a layer. It is immutable.
type Version struct {
	Name          string      `json:"name"`
	Number        int         `json:"number"` // from 1
	Description   string      `json:"description,omitempty"`
	License       string      `json:"license,omitempty"`
	Runtimes      []string    `json:"runtimes,omitempty"`      // that the publisher says it is for; nobody checks
	Architectures []string    `json:"architectures,omitempty"` // likewise
	Code          lambda.Code `json:"code"`
	Created       time.Time   `json:"created"`
	// Permissions say which other accounts may use the version.
	Permissions []Permission `json:"permissions,omitempty"`
	// PolicyRevision is a UUID that changes with Permissions; "" if there never were any.
	PolicyRevision string `json:"policy_revision,omitempty"`
}

// Ref names a version of the account's layer.
func (l *Layers) Ref(account string, v *Version) lambda.LayerRef {
	return lambda.LayerRef{Region: l.region, Account: account, Name: v.Name, Version: v.Number}
}

// Filter chooses versions by what their publishers said they are for; "" chooses all.
type Filter struct{ Runtime, Architecture string }

func (f Filter) matches(v *Version) bool {
	return (f.Runtime == "" || slices.Contains(v.Runtimes, f.Runtime)) &&
		(f.Architecture == "" || slices.Contains(v.Architectures, f.Architecture))
}

// CodeBytes is the sum of the sizes of the packages of the account's layer versions.
func (l *Layers) CodeBytes(account string) int64 {
	var sum int64
	for _, h := range l.heads.List(account) {
		sum += h.Value.Bytes
	}
	return sum
}

// versionID is the id of a version's record.
func versionID(name string, number int) string { return fmt.Sprintf("%s:%d", name, number) }

// maxRaces is how often a write is tried again when others change the same layer in between.
const maxRaces = 16

func tooManyChanges(ref lambda.LayerRef) error {
	return lambda.Errorf(lambda.KindConflict, "The operation cannot be performed at this time. Too many changes at once for resource: %s", ref.ARN())
}
