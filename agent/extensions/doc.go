// Package extensions serves Lambda's Extensions API: it knows the extensions of one start of the runtime, hands them
// their events, and says when they wait for the next. The caller starts the processes of external ones and tells how
// they end; the host decides who may register, because only it knows whether init goes on (Host.Register).
//
// # Life cycle
//
// A Registry belongs to one start of the runtime: New, Launched for every external extension, Serve for every call,
// Happen for each invocation, Ended when a process has ended, End when all have to, Close. Nothing is carried over.
//
// # Order of calls
//
//	launched ──register──> registered ──event/next──> listening ──event──> working ──event/next──> listening
//	                            └──init/error──> failed          exit/error, from any of the three──> failed
//
// Internal extensions, which are part of the runtime process, begin with register. The table is in state.go; a call it
// does not list is refused. Of two waiting calls of event/next the newer one gets the event.
//
// # Trust
//
// Extensions are the tenant's code. What they send is bounded and checked; what they break is their own environment.
package extensions
