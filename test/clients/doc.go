// Package clients runs the official runtime clients and what people build upon them, unmodified and from their registries,
// as functions on real sandboxes: awslambdaric, aws-lambda-ric, lambda_runtime, the Java runtime interface client, Lambda
// Web Adapter, Powertools. Those that need a toolchain of their own are behind the build tag "compat": make compat.
package clients
