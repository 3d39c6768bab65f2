package destination

import (
	"context"
	"fmt"
	"net/url"

	"thaw.dev/thaw/lambda"
)

// toTopic publishes a message to an SNS topic. Source of the form: Amazon SNS API reference, Publish, query protocol.
func (s *Sender) toTopic(ctx context.Context, e Endpoint, t lambda.Target, m *Message) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {m.Target}, "Message": {string(m.Body)}}
	size := len(m.Body)
	for i, a := range m.attributes() {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		form.Set(entry+"Name", a.name)
		form.Set(entry+"Value.DataType", a.kind)
		form.Set(entry+"Value.StringValue", a.value)
		size += len(a.name) + len(a.kind) + len(a.value)
	}
	if size > maxTopicMessage {
		return fmt.Errorf("%d bytes, a topic takes %d: %w", size, maxTopicMessage, ErrTooLarge)
	}
	_, err := s.do(ctx, &request{
		endpoint: e, service: "sns", region: t.Region, method: "POST", path: "/",
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
		body:   []byte(form.Encode()),
	})
	return err
}
