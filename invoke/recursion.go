package invoke

import "thaw.dev/thaw/lambda"

// traced notes in the invocation's trace header that it comes through the function, and refuses it with
// lambda.KindRecursive if it does so too often.
func (r *run) traced(fn *lambda.Config) error {
	next, passes := lambda.Lineage(r.req.TraceID, fn.Account, fn.Name)
	if passes >= lambda.MaxPasses && !r.mayLoop(fn.Account, fn.Name) {
		r.seen.Loop = true
		return lambda.Errorf(lambda.KindRecursive, "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
	}
	r.lineage = next
	return nil
}
