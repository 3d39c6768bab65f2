package destination

import (
	"context"

	"thaw.dev/thaw/lambda"
)

// toBucket writes a record as an object. A record that is sent twice is the same object. Source of the key's form: AWS
// Lambda developer guide, "S3 destinations".
func (s *Sender) toBucket(ctx context.Context, e Endpoint, t lambda.Target, m *Message) error {
	at := m.Time.UTC()
	key := "aws/lambda/async/" + m.Function + at.Format("/2006/01/02/2006-01-02T15.04.05-") + m.RequestID
	_, err := s.do(ctx, &request{
		endpoint: e, service: "s3", region: s.s3Region, method: "PUT", path: "/" + t.Name + "/" + key,
		header: map[string]string{"Content-Type": "application/json"}, body: m.Body,
	})
	return err
}
