package lambda

// ProvisionedStatus is how far the allocation of provisioned concurrency has come. Source: Lambda API,
// "ProvisionedConcurrencyStatus".
type ProvisionedStatus string

// Statuses of provisioned concurrency.
const (
	ProvisionedInProgress ProvisionedStatus = "IN_PROGRESS"
	ProvisionedReady      ProvisionedStatus = "READY"
	ProvisionedFailed     ProvisionedStatus = "FAILED"
)

// Provisioned is the provisioned concurrency of one version: environments that were initialised ahead of requests.
type Provisioned struct {
	Requested int
	Allocated int // initialised, busy or not
	Available int // initialised and alive
	Status    ProvisionedStatus
	Reason    string // why Status is FAILED
}
