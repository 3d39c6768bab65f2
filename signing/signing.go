package signing

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"regexp"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// What happens to code without a trusted signature. Source: Lambda API, CodeSigningPolicies.
const (
	Warn    = "Warn"    // it is deployed, and that is logged
	Enforce = "Enforce" // it is refused
)

// MaxConfigs is the number of configurations an account may have. Lambda documents no limit; this one keeps lists short.
const MaxConfigs = 1000

// Config is a code signing configuration. It is immutable.
type Config struct {
	ID          string            `json:"id"` // csc- and 17 lower-case letters and digits
	Description string            `json:"description,omitempty"`
	Publishers  []string          `json:"publishers"` // ARNs of signing profile versions
	Policy      string            `json:"policy"`     // Warn or Enforce
	Modified    time.Time         `json:"modified"`
	Tags        map[string]string `json:"tags,omitempty"`
}

const schema = 1

// Configs are the configurations of all accounts.
type Configs struct {
	region  string
	records *store.Collection[Config]
}

// New returns the configurations that are in the store. region goes into ARNs.
func New(region string, records *store.Records) *Configs {
	return &Configs{region, store.NewCollection[Config](records, "signing", schema)}
}

// ARN names a configuration of the account.
func (c *Configs) ARN(account, id string) string {
	return "arn:aws:lambda:" + c.region + ":" + account + ":code-signing-config:" + id
}

var arnPattern = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):([0-9]{12}):code-signing-config:(csc-[a-z0-9]{17})$`)

// find returns the account's configuration of that ARN; false if there is none, or it is another's.
func (c *Configs) find(account, arn string) (store.Item[Config], bool) {
	m := arnPattern.FindStringSubmatch(arn)
	if m == nil || m[1] != c.region || m[2] != account {
		return store.Item[Config]{}, false
	}
	return c.records.Get(account, m[3])
}

func notFound(arn string) error {
	return lambda.Errorf(lambda.KindNotFound, "The Lambda code signing configuration %.256s can not be found.", arn)
}

// Input is what a configuration is made or changed with; nil members are left out or stay.
type Input struct {
	Description *string
	Publishers  []string
	Policy      *string
	Tags        map[string]string // at creation only
}

func (in *Input) apply(to *Config) {
	if in.Description != nil {
		to.Description = *in.Description
	}
	if in.Publishers != nil {
		to.Publishers = in.Publishers
	}
	if in.Policy != nil {
		to.Policy = *in.Policy
	}
	to.Modified = time.Now().UTC().Truncate(time.Millisecond)
}

// Create makes a configuration. Errors: lambda.KindInvalid for tags, and if the account has MaxConfigs.
func (c *Configs) Create(ctx context.Context, account string, in Input) (*Config, error) {
	if len(c.records.List(account)) >= MaxConfigs {
		return nil, lambda.Errorf(lambda.KindInvalid, "An account can have %d code signing configurations", MaxConfigs)
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	v := Config{ID: "csc-0" + strings.ToLower(rand.Text()[:16]), Policy: Warn, Tags: maps.Clone(in.Tags)}
	in.apply(&v)
	if err := c.records.Create(ctx, account, v.ID, v); err != nil {
		return nil, err
	}
	return &v, nil
}

// Get returns the account's configuration of that ARN, or lambda.KindNotFound.
func (c *Configs) Get(account, arn string) (*Config, error) {
	item, ok := c.find(account, arn)
	if !ok {
		return nil, notFound(arn)
	}
	return &item.Value, nil
}

// Enforced reports whether the account's configuration of that ARN refuses unsigned code. Error: lambda.KindNoCodeSigning
// without one.
func (c *Configs) Enforced(account, arn string) (bool, error) {
	item, ok := c.find(account, arn)
	if !ok {
		return false, lambda.Errorf(lambda.KindNoCodeSigning, "The code signing configuration cannot be found. "+
			"Check that the provided configuration is not deleted: %.256s.", arn)
	}
	return item.Value.Policy == Enforce, nil
}

// Update changes a configuration; the next deployments meet it. Error: lambda.KindNotFound.
func (c *Configs) Update(ctx context.Context, account, arn string, in Input) (*Config, error) {
	return c.change(ctx, account, arn, func(v *Config) error {
		in.apply(v)
		return nil
	})
}

// Tag adds tags, replacing the values of those that are there. Errors: lambda.KindNotFound, KindInvalid.
func (c *Configs) Tag(ctx context.Context, account, arn string, tags map[string]string) error {
	return c.retag(ctx, account, arn, func(have map[string]string) { maps.Copy(have, tags) })
}

// Untag removes tags by key; those that are not there are ignored. Errors as Tag.
func (c *Configs) Untag(ctx context.Context, account, arn string, keys []string) error {
	return c.retag(ctx, account, arn, func(have map[string]string) {
		for _, key := range keys {
			delete(have, key)
		}
	})
}

func (c *Configs) retag(ctx context.Context, account, arn string, f func(map[string]string)) error {
	_, err := c.change(ctx, account, arn, func(v *Config) error {
		tags := make(map[string]string, len(v.Tags))
		maps.Copy(tags, v.Tags)
		f(tags)
		v.Tags = tags
		return checkTags(tags)
	})
	return err
}

// checkTags bounds the tags a configuration would have.
func checkTags(tags map[string]string) error {
	if len(tags) > lambda.MaxTags {
		return lambda.Errorf(lambda.KindInvalid, "Number of tags exceeds resource tag limit.")
	}
	for key := range tags {
		if len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			return lambda.Errorf(lambda.KindInvalid, "System tags cannot be added/updated by requester: %s", key)
		}
	}
	return nil
}

// maxRaces is how often a write is tried again when others change the same configuration in between.
const maxRaces = 16

// change has a copy of a configuration changed by f and stores it.
func (c *Configs) change(ctx context.Context, account, arn string, f func(*Config) error) (*Config, error) {
	for range maxRaces {
		item, ok := c.find(account, arn)
		if !ok {
			return nil, notFound(arn)
		}
		if err := f(&item.Value); err != nil {
			return nil, err
		}
		if err := c.records.Update(ctx, item); !errors.Is(err, store.ErrStale) {
			return &item.Value, err
		}
	}
	return nil, tooManyChanges(arn)
}

// Delete removes a configuration. The caller knows that no function has it. Error: lambda.KindNotFound.
func (c *Configs) Delete(ctx context.Context, account, arn string) error {
	for range maxRaces {
		item, ok := c.find(account, arn)
		if !ok {
			return notFound(arn)
		}
		if err := c.records.Delete(ctx, item); !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return tooManyChanges(arn)
}

func tooManyChanges(arn string) error {
	return lambda.Errorf(lambda.KindConflict, "The operation cannot be performed at this time. Too many changes at once for resource: %s", arn)
}

// List returns up to limit of the account's configurations by id, beginning behind that id ("": from the start). more says
// whether others follow.
func (c *Configs) List(account, after string, limit int) (page []*Config, more bool) {
	for _, item := range c.records.List(account) {
		if item.ID <= after {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, &item.Value)
	}
	return page, false
}
