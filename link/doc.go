// Package link is the protocol between the host and the inside of a sandbox. Both sides, and both bundled language
// bootstraps, speak it; it imports the standard library only.
//
// # Channels
//
// Control (fd 0 of the agent): the host starts and resets the runtime, the agent reports. Data (fd 1): events in,
// results out. A bundled bootstrap reads and writes Data itself, so that a warm invocation never passes through the
// agent; for a custom runtime the agent translates between Data and the HTTP Runtime API. Logs (fd 2): raw output of
// the runtime, no frames.
//
// # Frames
//
// A frame is an 8-byte header and a body:
//
//	type u8 | flags u8 | zero u16 | body length u32 little-endian | body
//
// A body is at most MaxFrameBytes. A message with metadata has the body
//
//	length of meta u32 little-endian | meta, a JSON object | payload
//
// and a payload that does not fit goes on in Chunk frames; FlagMore marks every frame but the last.
//
// # Conversation
//
//	agent   -> Hello                                   control, once, after boot
//	host    -> Start {kind, argv, env, …}              control; the agent starts the runtime process
//	runtime -> Idle                                    data, bundled runtimes only, unless its function is there: warm
//	host    -> Specialise {handler, env, …}            data, bundled runtimes only
//	runtime -> Ready | InitError                       data; init is over
//	host    -> Invoke {id, deadline, …} + event        data
//	runtime -> Result | Error, FlagIdle or later Idle  data; Idle: the runtime asked for its next event
//	runtime -> Stream {id}, Part …, Result | Error     data, in the place of Result: an answer that is sent as it is made
//	agent   -> Exited {run, code, signal}              control, whenever the runtime process ended
//	host    -> Reset {nonce}                           control; the agent kills every process, empties its side of
//	agent   -> Sync {nonce}                            data; the host discards all bytes up to this frame
//
// After Reset the host may send Start again: /tmp and the log stream survive, as on Lambda.
//
// # Extensions
//
// All of it on the control channel. External extensions, where there can be any, are started before Start or Specialise;
// internal ones register from inside the runtime process. Only the host knows whether init goes on, and what function
// this is: so the agent asks. What the agent says carries the era, the number of Resets before, and is dropped if that
// is another.
//
//	host    -> Extend {env, …}                         the agent starts what is in /opt/extensions
//	agent   -> Ask {register} | {token}                an extension registers; code asks for the metadata
//	host    -> Answer {identifier, …} | {refusal}
//	agent   -> Extended                                the external ones have registered
//	agent   -> Listening {name, after}                 an extension asked for its next event
//	host    -> Happening {id, deadline, …}             an invocation, if an extension wants to know of it; before Invoke
//	agent   -> Broken {name, type}                     an extension failed, and with it the environment
//	host    -> Shutdown {reason, budget}               SIGTERM for the runtime, SHUTDOWN for extensions
//	agent   -> ShutDown                                they have ended, or the budget is used up
//
// Init is over when the runtime is ready and all extensions listen; an environment is idle when the runtime is and all
// that were told of the invocation listen. Where nothing registered none of this costs an invocation anything.
//
// # Streams
//
// Stream opens a streamed result, each Part carries its next bytes, and a Result without payload ends it, or an Error,
// with which it failed midway. Nothing may stand in between. The socket is the flow control: a host that reads slowly
// lets the runtime wait. A stream that is longer than MaxStreamBytes ends the conversation with ErrStreamTooLong.
//
// # Telemetry
//
// During init an extension may ask for telemetry: the agent asks the host (Ask, Answer). Then, on the control channel:
//
//	host    -> Telemetry {to} + event                  the agent queues it for these subscribers
//	agent   -> Output                                  a line that an external extension printed, subscribers or not
//	host    -> Flush {n}                               before a freeze
//	agent   -> Flushed {n}                             what was queued has been delivered, or is lost
//
// # Snapshots
//
// Between Ready and the first Invoke a sandbox may be checkpointed, any number of copies restored, and the original
// may go on; each copy gets new channels. All of them take the last step.
//
//	host    -> Snapshot                                data
//	runtime -> Ready | InitError                       data; hooks before the checkpoint have run, nothing is in flight
//	host    -> Ping {nonce}                            control, in a copy, in the place of Hello; extensions may say
//	                                                   something before the answer
//	agent   -> Pong {nonce}                            control
//	host    -> Restored {env, entropy}                 data
//	runtime -> Ready | InitError                       data; hooks after the restore have run
//
// InitError answers Snapshot with the type Runtime.SnapshotNotSupported where a runtime cannot be copied; such a
// runtime goes on as if nothing had been asked.
//
// # Trust
//
// The host treats all input as hostile: sizes are bounded before memory is taken, an unknown or misplaced frame is
// ErrProtocol, ids are compared with the ones the host chose, and nothing a sandbox says decides identity or billing.
package link
