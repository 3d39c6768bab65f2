// Package thaw is the root of Thaw, a self-hosted AWS Lambda: one program, real sandboxes, Lambda's own HTTP API.
//
// The map, from the outside in. Arrows of import go down only; deps_test.go enforces it.
//
//	cmd/thaw         the program: serve, deploy, invoke, logs, bench, doctor, …; one file per command
//	cmd/thaw-agent   PID 1 inside every sandbox
//	cmd/thaw-sentry  gVisor's own processes
//	cmd/thaw-init    PID 1 of every virtual machine, around the sandbox
//	cmd/thaw-jail    starts the monitors of virtual machines
//	node             builds a whole server from a Config
//
//	gateway          HTTP: authenticate, authorise, decode, call, encode
//	functionurl      function URLs: requests into events, answers into HTTP
//
//	control          functions: create, update, delete, the state machine
//	layer            layers: versions, permissions
//	signing          code signing configurations
//	mapping          event source mappings: what a source may have, their states
//	cloudwatch       the operations of CloudWatch Logs
//	async            events: asynchronous invocations, retries, where their records go
//	durable          durable executions: what outlives the environments it runs in
//	invoke           one invocation from admission to REPORT line
//
//	pool             slots and execution environments of this host; a cold start is in pool/coldstart.go
//	metrics          counts what happened; ops shows it to the operator
//	store            records and logs on embedded NATS JetStream
//	code             deployment packages: zip in, read-only image out
//	runtimes         runtime images from the host's interpreters; python/ and nodejs/ are the bootstraps
//	iam              roles, their policies and their sessions
//	account          accounts and their access keys
//	auth             Signature Version 4, access keys, sessions
//	destination      sends records to queues, topics, event buses and buckets
//	client           Go client of the HTTP API
//	s3               code from an S3-compatible store
//	egress           the only way out of a sandbox, and its policy
//	sandbox/gvisor   the engine; sandbox/fake runs no code; sandbox/sandboxtest is what each engine must pass
//	sandbox/microvm  the second engine, a virtual machine each; its vmm says what a monitor must do, qemu and firecracker do it
//	                 in a jail; kvm finds out what executes guest code
//	agent            inside the sandbox: start the runtime, speak the Runtime API
//
//	lambda           the nouns: function, ARN, limits, kinds of error
//	policy           AWS policy documents: parse, evaluate
//	api              AWS wire shapes and the table of operations
//	eventstream      the framing of streamed answers and live tails
//	sandbox          the contract of an engine
//	link             frames between host and sandbox
//	logs             the log of one environment
//	logpattern       filter patterns of CloudWatch Logs
//	telemetry        what the platform says about one environment: events, as text, as JSON, to subscribers
//	keepalive        how long an idle environment is worth its memory; keepalive/sim replays traces with it
//	snapshot         snapshots on disk
//	image            read-only EROFS images
//	embedded         the helper programs inside bin/thaw
package thaw
