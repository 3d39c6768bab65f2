package node

import (
	"fmt"

	"thaw.dev/thaw/async"
	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/metrics"
)

// openSender makes what sends records of asynchronous invocations to the endpoints of c.
func openSender(c Config) (*destination.Sender, error) {
	o := destination.Options{
		SQS: destination.Endpoint{URL: c.SQSEndpoint}, SNS: destination.Endpoint{URL: c.SNSEndpoint},
		Events: destination.Endpoint{URL: c.EventsEndpoint}, S3: destination.Endpoint{URL: c.S3Endpoint}, S3Region: c.S3Region,
	}
	if o.S3Region == "" {
		o.S3Region = c.Region
	}
	if c.EndpointsCredentials != "" {
		keys, err := destination.ReadCredentials(c.EndpointsCredentials)
		if err != nil {
			return nil, fmt.Errorf("--endpoints-credentials: %w", err)
		}
		o.SQS.Credentials, o.SNS.Credentials, o.Events.Credentials, o.S3.Credentials = keys, keys, keys, keys
	}
	if c.S3Credentials != "" {
		keys, err := destination.ReadCredentials(c.S3Credentials)
		if err != nil {
			return nil, fmt.Errorf("--s3-credentials: %w", err)
		}
		o.S3.Credentials = keys
	}
	if o.S3.AccessKeyID == "" {
		o.S3.URL = "" // what is read without a signature is not written
	}
	return destination.New(o)
}

// eventCounts is what the queue of asynchronous invocations tells metrics.
func eventCounts(q *async.Queue) metrics.Events {
	s := q.Summary(0)
	t := &s.Totals
	return metrics.Events{
		Due: s.Due, Later: s.Later, Running: s.Running, Undelivered: s.Undelivered, Oldest: s.Oldest,
		Accepted: t.Accepted, Succeeded: t.Succeeded, Failed: t.Failed, Dropped: t.Dropped, Retried: t.Retried, Refused: t.Refused,
		Delivered: t.Delivered, DeliveryFailures: t.DeliveryFailures,
	}
}
