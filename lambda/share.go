package lambda

// NoReservation is Share.Reserved of a function without reserved concurrency.
const NoReservation = -1

// Share is what invocations of one function version may use of their account's concurrency.
//
// A function with reserved concurrency may run Reserved invocations at once, all its versions together, and no more. The
// others share Unreserved: the account's limit without what is reserved and without what is provisioned for functions
// that have no reservation. Provisioned environments come on top of Unreserved for their own version: only invocations
// beyond Provisioned count against it. Source: AWS Lambda developer guide, "Understanding reserved concurrency" and
// "Understanding provisioned concurrency".
type Share struct {
	Reserved    int // NoReservation, or the reservation; 0 refuses every invocation
	Unreserved  int
	Provisioned int // of this version; 0 if it has none
}
