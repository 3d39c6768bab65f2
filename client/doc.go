// Package client is a small Go client of Thaw's HTTP API: what the command line, the benchmarks and the tests need of
// Lambda, CloudWatch Logs and STS. It signs with AWS Signature Version 4 by itself; no AWS SDK is involved.
//
// It does not retry: a caller that wants to knows which of its calls are idempotent. A Client is safe for concurrent
// use and keeps connections alive; Close drops them.
package client
