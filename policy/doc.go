// Package policy reads AWS policy documents and decides by them: resource policies of functions, identity policies of
// roles, trust policies of roles.
//
// It owns the language: elements, principals, wildcards, condition operators, variables. It does not own what is decided
// with it: who asks, for which resource and in which circumstances is the caller's to say (Request), and how decisions of
// several documents combine is the caller's as well (package gateway, for Lambda's operations). It imports the standard
// library only.
//
// A *Document never changes; its methods may be called from many goroutines. Everything it was made of came from a user:
// Parse is bounded by MaxBytes, and evaluating costs at most the document's length times the length of the longest value
// in the request.
//
// It fails closed. What it does not know is refused when the document is written: elements, condition operators, and in
// resource policies condition keys, too. Policies of roles may have any condition key, since tools store there what other
// services decide by; a statement that allows under a key which nobody supplies here never matches, one that denies treats
// the key as absent, as AWS does.
package policy
