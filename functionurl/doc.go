// Package functionurl translates between HTTP and what functions behind a URL see: requests become events of payload format
// 2.0, answers of functions become HTTP answers, and cross-origin rules become headers.
//
// It owns the formats and nothing else. Which host means which function, who may call it, and running it are package
// gateway's (functionurl.go there): a URL is one more way into the server, so its requests share the gateway's listener,
// request ids, access log, signatures and the one place where policies decide. Here is what of it needs no server, so that
// it can be tested and fuzzed as functions from bytes to bytes.
//
// Both sides are hostile: a request comes from anybody, an answer from a tenant's code. Sizes are bounded by the caller for
// requests and events, by MaxPrelude for the head of a streamed answer; header names and values of answers are checked, since
// a line break in one would be a header of its own.
//
// Source of the formats: AWS Lambda developer guide, "Invoking Lambda function URLs", "Response streaming".
package functionurl
