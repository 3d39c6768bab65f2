package iam

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

// Role is an IAM role. What comes out of a Directory must not be changed.
type Role struct {
	Name        string            `json:"name"`
	Path        string            `json:"path"` // begins and ends with a slash
	ARN         string            `json:"arn"`
	ID          string            `json:"id"` // unique among all roles that ever were
	Description string            `json:"description,omitempty"`
	Trust       string            `json:"trust"`       // the policy that says who may assume it
	MaxSession  int               `json:"max_session"` // seconds, 3600 to 43200
	Tags        map[string]string `json:"tags,omitempty"`
	Inline      map[string]string `json:"inline,omitempty"`   // documents by name
	Attached    []string          `json:"attached,omitempty"` // ARNs of policies, sorted
	Created     time.Time         `json:"created"`
}

const (
	defaultSession = 3600  // seconds
	maxSession     = 43200 // seconds
	maxTrust       = 4096  // characters
	maxInline      = 10240 // characters, all inline policies of a role together
	maxAttached    = 20
)

// CreateRole stores a new role. Of in, Name, Path, Description, Trust, MaxSession and Tags are looked at; the zero values of
// Path and MaxSession stand for "/" and an hour.
func (d *Directory) CreateRole(ctx context.Context, account string, in Role) (Role, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := Role{Name: in.Name, Description: in.Description, Trust: in.Trust, MaxSession: in.MaxSession, Tags: in.Tags, ID: newID("AROA"), Created: now()}
	if r.MaxSession == 0 {
		r.MaxSession = defaultSession
	}
	var err error
	if r.Path, err = checkPath(in.Path); err != nil {
		return Role{}, err
	}
	r.ARN = "arn:aws:iam::" + account + ":role" + r.Path + r.Name
	if err := r.check(); err != nil {
		return Role{}, err
	}
	if _, exists := d.roles.Get(account, recordID(r.Name)); exists {
		return Role{}, refuse(CodeExists, "Role with name %s already exists.", r.Name)
	}
	return r, d.wrote(d.roles.Create(ctx, account, recordID(r.Name), r))
}

func (r *Role) check() error {
	if err := checkName(roleName, "roleName", r.Name); err != nil {
		return err
	}
	switch {
	case len(r.Description) > 1000:
		return refuse(CodeValidation, "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000")
	case r.MaxSession < defaultSession || r.MaxSession > maxSession:
		return refuse(CodeValidation, "1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between %d and %d",
			r.MaxSession, defaultSession, maxSession)
	}
	if err := checkTags(r.Tags); err != nil {
		return err
	}
	return checkDocument(r.Trust, policy.Trust, maxTrust)
}

// GetRole returns a role; CodeNoSuchEntity if there is none.
func (d *Directory) GetRole(account, name string) (Role, error) {
	item, err := d.role(account, name)
	return item.Value, err
}

func (d *Directory) role(account, name string) (store.Item[Role], error) {
	if item, ok := d.roles.Get(account, recordID(name)); ok {
		return item, nil
	}
	return store.Item[Role]{}, refuse(CodeNoSuchEntity, "The role with name %.64s cannot be found.", name)
}

// ListRoles returns the account's roles whose path begins with prefix, sorted by name.
func (d *Directory) ListRoles(account, prefix string) []Role {
	var list []Role
	for _, item := range d.roles.List(account) {
		if strings.HasPrefix(item.Value.Path, prefix) {
			list = append(list, item.Value)
		}
	}
	return list
}

// changeRole stores what change makes of a role, which it must not modify in place.
func (d *Directory) changeRole(ctx context.Context, account, name string, change func(*Role) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	item, err := d.role(account, name)
	if err != nil {
		return err
	}
	if err := change(&item.Value); err != nil {
		return err
	}
	if err := item.Value.check(); err != nil {
		return err
	}
	return d.wrote(d.roles.Update(ctx, item))
}

// UpdateRole sets the description and the longest session in seconds; nil leaves what there is.
func (d *Directory) UpdateRole(ctx context.Context, account, name string, description *string, seconds *int) error {
	return d.changeRole(ctx, account, name, func(r *Role) error {
		if description != nil {
			r.Description = *description
		}
		if seconds != nil {
			r.MaxSession = *seconds
		}
		return nil
	})
}

// UpdateTrust replaces the policy that says who may assume the role.
func (d *Directory) UpdateTrust(ctx context.Context, account, name, document string) error {
	return d.changeRole(ctx, account, name, func(r *Role) error { r.Trust = document; return nil })
}

// TagRole sets tags.
func (d *Directory) TagRole(ctx context.Context, account, name string, tags map[string]string) error {
	return d.changeRole(ctx, account, name, func(r *Role) error {
		r.Tags = merged(r.Tags, tags)
		return nil
	})
}

// UntagRole removes tags.
func (d *Directory) UntagRole(ctx context.Context, account, name string, keys []string) error {
	return d.changeRole(ctx, account, name, func(r *Role) error {
		r.Tags = maps.Clone(r.Tags)
		maps.DeleteFunc(r.Tags, func(key, _ string) bool { return slices.Contains(keys, key) })
		return nil
	})
}

func merged(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// DeleteRole removes a role that has no policies any more.
func (d *Directory) DeleteRole(ctx context.Context, account, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	item, err := d.role(account, name)
	switch {
	case err != nil:
		return err
	case len(item.Value.Attached) > 0:
		return refuse(CodeDeleteConflict, "Cannot delete entity, must detach all policies first.")
	case len(item.Value.Inline) > 0:
		return refuse(CodeDeleteConflict, "Cannot delete entity, must delete policies first.")
	}
	return d.wrote(d.roles.Delete(ctx, item))
}

// PutRolePolicy sets an inline policy of a role.
func (d *Directory) PutRolePolicy(ctx context.Context, account, role, name, document string) error {
	if err := checkName(policyName, "policyName", name); err != nil {
		return err
	}
	if err := checkDocument(document, policy.Identity, maxInline); err != nil {
		return err
	}
	return d.changeRole(ctx, account, role, func(r *Role) error {
		r.Inline = merged(r.Inline, map[string]string{name: document})
		total := 0
		for _, text := range r.Inline {
			total += length(text)
		}
		if total > maxInline {
			return refuse(CodeLimitExceeded, "Maximum policy size of %d bytes exceeded for role %s", maxInline, r.Name)
		}
		return nil
	})
}

// GetRolePolicy returns the document of an inline policy.
func (d *Directory) GetRolePolicy(account, role, name string) (string, error) {
	r, err := d.GetRole(account, role)
	if err != nil {
		return "", err
	}
	document, ok := r.Inline[name]
	if !ok {
		return "", refuse(CodeNoSuchEntity, "The role policy with name %.128s cannot be found.", name)
	}
	return document, nil
}

// DeleteRolePolicy removes an inline policy.
func (d *Directory) DeleteRolePolicy(ctx context.Context, account, role, name string) error {
	return d.changeRole(ctx, account, role, func(r *Role) error {
		if _, ok := r.Inline[name]; !ok {
			return refuse(CodeNoSuchEntity, "The role policy with name %.128s cannot be found.", name)
		}
		r.Inline = maps.Clone(r.Inline)
		delete(r.Inline, name)
		return nil
	})
}

// AttachRolePolicy gives a role a policy of the account or one that AWS manages. That it has it already is no error.
func (d *Directory) AttachRolePolicy(ctx context.Context, account, role, arn string) error {
	return d.changeRole(ctx, account, role, func(r *Role) error {
		if _, err := d.policy(account, arn); err != nil {
			return refuse(CodeNoSuchEntity, "Policy %.300s does not exist or is not attachable.", arn)
		}
		if slices.Contains(r.Attached, arn) {
			return nil
		}
		if len(r.Attached) >= maxAttached {
			return refuse(CodeLimitExceeded, "Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
		}
		r.Attached = append(slices.Clone(r.Attached), arn)
		slices.Sort(r.Attached)
		return nil
	})
}

// DetachRolePolicy takes a policy from a role.
func (d *Directory) DetachRolePolicy(ctx context.Context, account, role, arn string) error {
	return d.changeRole(ctx, account, role, func(r *Role) error {
		at := slices.Index(r.Attached, arn)
		if at < 0 {
			return refuse(CodeNoSuchEntity, "Policy %.300s was not found.", arn)
		}
		r.Attached = slices.Delete(slices.Clone(r.Attached), at, at+1)
		return nil
	})
}
