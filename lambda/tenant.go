package lambda

// PerTenant is the value of Config.Tenancy with which no environment serves more than one tenant.
const PerTenant = "PER_TENANT"

// ForTenant returns the configuration with which an invocation for that tenant of the caller runs, "" for none: c itself
// for a function without tenancy. Errors are of KindInvalid, for a tenant where there is none or the other way round.
// Source of the texts: answers of AWS Lambda.
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
	}
	d := *c
	d.Tenant = tenant
	return &d, nil
}
