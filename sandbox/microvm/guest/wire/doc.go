// Package wire is what the host and the guest's init say to each other on the manage channel: frames, and how requests,
// answers and events become bytes. Both sides import it, so it is small and does no I/O of its own.
//
// # Frames
//
// A frame is a head of nine bytes and a body: the body's length (4 bytes), the kind (1), an identifier (4), everything
// big-endian. The host asks, one request at a time; the guest answers each with the request's identifier, by OK or
// Failed, and tells of events with identifier 0 in between. Neither side keeps state about the other beyond the request
// under way, so that a guest that was saved between requests goes on with whoever holds the new channel.
//
// # Strictness
//
// Bodies are bounded (MaxRequest, MaxReply) and decoded whole: a missing, additional or impossible byte is ErrFormat. The
// guest's bytes are hostile input to the host. In the other direction the rules are the same, because a misunderstanding
// must not end in a half-configured sandbox.
package wire
