// Package compat has the tests of compatibility: the AWS CLI, boto3, aws-sdk-go-v2 and @aws-sdk/client-lambda, none of
// them modified, each make the same tour of the API against a real server. The tours are programs in the clients' own
// languages, tour.sh, tour.py, gosdk/main.go and jssdk/tour.mjs; the tests start a server for each, give it the
// environment that points AWS clients at that server, and check that no step was left out. Steps that a client makes in a
// test of its own (layers, function URLs, streaming, settings, logs) are not in its tour. The AWS SDKs for Rust and Java
// make a tour of the operations of the first tier, behind the build tag compat.
//
// The clients come from where their users get them: the AWS CLI from the machine, the others from PyPI, the Go module
// proxy and npm. What was fetched is kept in the user's cache directory.
package compat
