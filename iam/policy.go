package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

// Policy is a policy that roles have by being attached to it. What comes out of a Directory must not be changed.
type Policy struct {
	Name        string            `json:"name"`
	Path        string            `json:"path"`
	ARN         string            `json:"arn"`
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Versions    []Version         `json:"versions"` // the oldest first, at least one
	Default     string            `json:"default"`  // the id of the version that holds
	Last        int               `json:"last"`     // the highest number that a version ever had
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
}

// Version is one version of a policy.
type Version struct {
	ID       string    `json:"id"` // v1, v2 and so on
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

const (
	maxPolicy   = 6144 // characters
	maxVersions = 5
)

// Version returns a version of the policy; CodeNoSuchEntity if there is none.
func (p *Policy) Version(id string) (Version, error) {
	i := slices.IndexFunc(p.Versions, func(v Version) bool { return v.ID == id })
	if i < 0 {
		return Version{}, refuse(CodeNoSuchEntity, "Policy %s version %.32s does not exist or is not attachable.", p.ARN, id)
	}
	return p.Versions[i], nil
}

// Document is the text that holds.
func (p *Policy) Document() string {
	v, _ := p.Version(p.Default)
	return v.Document
}

// CreatePolicy stores a new policy. Of in, Name, Path, Description and Tags are looked at.
func (d *Directory) CreatePolicy(ctx context.Context, account string, in Policy, document string) (Policy, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := now()
	p := Policy{
		Name: in.Name, Description: in.Description, Tags: in.Tags, ID: newID("ANPA"), Created: at, Updated: at,
		Versions: []Version{{"v1", document, at}}, Default: "v1", Last: 1,
	}
	var err error
	if p.Path, err = checkPath(in.Path); err != nil {
		return Policy{}, err
	}
	if err := checkName(policyName, "policyName", p.Name); err != nil {
		return Policy{}, err
	}
	if len(p.Description) > 1000 {
		return Policy{}, refuse(CodeValidation, "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000")
	}
	if err := checkTags(p.Tags); err != nil {
		return Policy{}, err
	}
	if err := checkDocument(document, policy.Identity, maxPolicy); err != nil {
		return Policy{}, err
	}
	p.ARN = "arn:aws:iam::" + account + ":policy" + p.Path + p.Name
	if _, exists := d.policies.Get(account, recordID(p.Name)); exists {
		return Policy{}, refuse(CodeExists, "A policy called %s already exists. Duplicate names are not allowed.", p.Name)
	}
	return p, d.wrote(d.policies.Create(ctx, account, recordID(p.Name), p))
}

// GetPolicy returns a policy of the account or one that AWS manages.
func (d *Directory) GetPolicy(account, arn string) (Policy, error) {
	item, err := d.policy(account, arn)
	return item.Value, err
}

// policy finds a policy; the item of one that AWS manages has no Seq.
func (d *Directory) policy(account, arn string) (store.Item[Policy], error) {
	if p, ok := managed[arn]; ok {
		return store.Item[Policy]{Value: *p}, nil
	}
	if rest, ok := strings.CutPrefix(arn, "arn:aws:iam::"+account+":policy/"); ok {
		name := rest[strings.LastIndexByte(rest, '/')+1:]
		if item, ok := d.policies.Get(account, recordID(name)); ok && item.Value.ARN == arn {
			return item, nil
		}
	}
	return store.Item[Policy]{}, refuse(CodeNoSuchEntity, "Policy %.300s was not found.", arn)
}

// own finds a policy that the account may change.
func (d *Directory) own(account, arn string) (store.Item[Policy], error) {
	item, err := d.policy(account, arn)
	if err == nil && item.Seq == 0 {
		err = refuse(CodeAccessDenied, "Policy %s is managed by AWS and cannot be changed.", arn)
	}
	return item, err
}

// ListPolicies returns the account's policies, if local is set, and those that AWS manages, if aws is set, whose path
// begins with prefix.
func (d *Directory) ListPolicies(account, prefix string, local, aws bool) []Policy {
	var list []Policy
	if local {
		for _, item := range d.policies.List(account) {
			list = append(list, item.Value)
		}
	}
	if aws {
		list = append(list, managedList...)
	}
	return slices.DeleteFunc(list, func(p Policy) bool { return prefix != "" && !strings.HasPrefix(p.Path, prefix) })
}

// Attachments counts the roles of the account that have each policy, by ARN.
func (d *Directory) Attachments(account string) map[string]int {
	count := map[string]int{}
	for _, item := range d.roles.List(account) {
		for _, arn := range item.Value.Attached {
			count[arn]++
		}
	}
	return count
}

// DeletePolicy removes a policy that no role has, and of which there is only the version that holds.
func (d *Directory) DeletePolicy(ctx context.Context, account, arn string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	item, err := d.own(account, arn)
	switch {
	case err != nil:
		return err
	case d.Attachments(account)[arn] > 0:
		return refuse(CodeDeleteConflict, "Cannot delete a policy attached to entities.")
	case len(item.Value.Versions) > 1:
		return refuse(CodeDeleteConflict, "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	return d.wrote(d.policies.Delete(ctx, item))
}

// changePolicy stores what change makes of a policy, which it must not modify in place.
func (d *Directory) changePolicy(ctx context.Context, account, arn string, change func(*Policy) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	item, err := d.own(account, arn)
	if err != nil {
		return err
	}
	if err := change(&item.Value); err != nil {
		return err
	}
	item.Value.Updated = now()
	return d.wrote(d.policies.Update(ctx, item))
}

// CreatePolicyVersion adds a version, and makes it the one that holds if hold is set.
func (d *Directory) CreatePolicyVersion(ctx context.Context, account, arn, document string, hold bool) (v Version, err error) {
	if err := checkDocument(document, policy.Identity, maxPolicy); err != nil {
		return v, err
	}
	err = d.changePolicy(ctx, account, arn, func(p *Policy) error {
		if len(p.Versions) >= maxVersions {
			return refuse(CodeLimitExceeded, "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Last++
		v = Version{"v" + strconv.Itoa(p.Last), document, now()}
		p.Versions = append(slices.Clone(p.Versions), v)
		if hold {
			p.Default = v.ID
		}
		return nil
	})
	return v, err
}

// SetDefaultPolicyVersion makes a version the one that holds.
func (d *Directory) SetDefaultPolicyVersion(ctx context.Context, account, arn, id string) error {
	return d.changePolicy(ctx, account, arn, func(p *Policy) error {
		if _, err := p.Version(id); err != nil {
			return err
		}
		p.Default = id
		return nil
	})
}

// DeletePolicyVersion removes a version that does not hold.
func (d *Directory) DeletePolicyVersion(ctx context.Context, account, arn, id string) error {
	return d.changePolicy(ctx, account, arn, func(p *Policy) error {
		if _, err := p.Version(id); err != nil {
			return err
		}
		if id == p.Default {
			return refuse(CodeDeleteConflict, "Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(slices.Clone(p.Versions), func(v Version) bool { return v.ID == id })
		return nil
	})
}
