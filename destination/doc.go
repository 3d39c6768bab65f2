// Package destination sends what became of asynchronous invocations to queues, topics, event buses and buckets outside of
// Thaw: SQS, SNS, EventBridge and S3, or whatever speaks their APIs, at endpoints that the operator names.
//
// It owns the form of each message and its signature. It does not own when something is sent, nor what follows when that
// fails (package async), nor the records themselves. What it calls is the operator's choice alone: a tenant's ARN only
// names something there. Answers are read up to a bound and trusted for nothing but success.
//
// The requests are signed here instead of by AWS's SDK: four operations do not pay for five modules and their start.
package destination
