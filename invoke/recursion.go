package invoke

import "thaw.dev/thaw/lambda"

// endLoop refuses an invocation with lambda.KindRecursive if its trace header says that the chain of invocations came through
// the function too often.
func (r *run) endLoop(fn *lambda.Config) error {
	if r.req.TraceID == "" {
		return nil
	}
	_, passes := lambda.Lineage(r.req.TraceID, fn.Account, fn.Name)
	if passes < lambda.MaxPasses || r.mayLoop(fn.Account, fn.Name) {
		return nil
	}
	r.seen.Loop = true
	return lambda.Errorf(lambda.KindRecursive, "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
}
