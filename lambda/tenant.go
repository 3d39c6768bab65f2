package lambda

import "regexp"

// PerTenant is the value of Config.Tenancy with which no environment serves more than one tenant.
const PerTenant = "PER_TENANT"

// tenantID is what the name of a tenant may be. Source: Lambda API model, Invoke, "TenantId".
var tenantID = regexp.MustCompile(`^[a-zA-Z0-9._:/=+\-@ ]{1,256}$`)

// ForTenant returns the configuration with which an invocation for that tenant of the caller runs, "" for none: c itself
// for a function without tenancy. Errors are of KindInvalid, for a tenant where there is none or the other way round, and
// of KindValidation. Source of the texts: answers of AWS Lambda.
func (c *Config) ForTenant(tenant string) (*Config, error) {
	switch {
	case c.Tenancy == "" && tenant == "":
		return c, nil
	case c.Tenancy == "":
		return nil, Errorf(KindInvalid,
			"The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	case tenant == "":
		return nil, Errorf(KindInvalid,
			"The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case !tenantID.MatchString(tenant):
		return nil, Errorf(KindValidation, "1 validation error detected: Value '%.256s' at 'tenantId' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+ and have length between 1 and 256", tenant)
	}
	d := *c
	d.Tenant = tenant
	return &d, nil
}
