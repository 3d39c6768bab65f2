// Package keepalive decides how long an idle execution environment is worth its memory, and which goes first when
// memory is short. It is pure: no clock, no I/O, no goroutine. The pool asks it about real environments, package sim
// about those of a recorded trace; both run this code.
//
// # The question
//
// Holding an environment costs memory, letting it go costs somebody the wait for a cold start. Options.Exchange says
// what a second of waiting is worth in GB·s of idle memory, so both are one currency. Without any knowledge of the next
// arrival the best promise is that of ski rental: hold until the memory spent equals the worth of one cold start; that
// never costs more than twice what a prophet would spend. With knowledge one does better: Policy counts the gaps
// between uses in a histogram and picks the plan of least expected cost under it, which may be to hold for hours, to
// let go at once, or to let go and make a new environment shortly before the next arrival is due.
//
// # Levels
//
// A function that runs n invocations at once uses n environments, and the n-th has a life of its own: it is needed only
// while n invocations run. So the gaps are counted per level of concurrency: the gap of level n begins when the number
// of running invocations falls below n and ends when it reaches n again. As the pool serves the most recently used
// environment first, the environment that becomes idle while n-1 others run is the one that level n will take again.
// Priorities for eviction are those of levels, too: the tenth environment of a popular function may be worth nothing.
//
// # Invariants
//
// Memory is bounded: some 300 bytes for a function that ran once, 250 more for each level that had a gap of
// ten seconds or longer. Neither Arrived nor Idle allocates once a level is known. Plans respect Options.Min and Options.Max.
// Every Arrived is followed by exactly one Idle or Lost of the same key; if the caller breaks this the levels are wrong
// and the plans are bad, but nothing worse happens.
package keepalive
