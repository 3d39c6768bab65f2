// Package async runs what was accepted to be run later: asynchronous invocations, and the deliveries of what became of them.
//
// It owns the state machine of an event: when it is tried, what its failure means, when it is given up, and to whom its
// record goes. It stands on store.Events, where everything it promised is, and on invoke.(*Invoker).Sync, which is the only way code
// runs. It does not own the sending itself (package destination) nor the settings (package control).
//
// # An event
//
// Enqueue returns when the event is on disk. A try ends it (the function answered), or has it wait: after a failure of the
// function a minute, then two, up to the function's MaximumRetryAttempts; after a throttle or a failure of ours a second,
// doubling up to five minutes, until MaximumEventAgeInSeconds. What ends an event with a destination for it, or a dead letter queue,
// becomes a delivery: an event of its own, stored before the first is finished. A delivery is tried until its age is over and
// then kept, undelivered, until somebody has it redriven or purged. An event whose function or qualifier is gone is dropped.
//
// Everything may happen twice: a process that ends between a try and the mark of its result tries again. An attempt that was
// cut off by the end of the process does not count.
//
// # Fairness
//
// The events of a function are a lane (lane.go), the deliveries of a function to one target are another. Lanes take turns (dispatch.go), each has
// as many tries under way as its function's concurrency allows and as were seen to pay (growth.go). In memory an event takes
// about a hundred bytes; payloads are read when their turn comes.
//
// A *Queue works from Open until Stop; Close waits for the tries under way.
package async
