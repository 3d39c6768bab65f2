package destination

import (
	"context"
	"crypto/md5" //nolint:gosec // the service's own check of a message
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"thaw.dev/thaw/lambda"
)

// Shapes of the requests and answers. Source: Amazon SQS API reference, GetQueueUrl and SendMessage, JSON protocol.
type (
	getQueueURL struct {
		QueueName, QueueOwnerAWSAccountId string //nolint:revive,staticcheck // the API's spelling
	}
	sendMessage struct {
		QueueUrl, MessageBody string                  //nolint:revive,staticcheck // the API's spelling
		MessageAttributes     map[string]sqsAttribute `json:",omitempty"`
	}
	sqsAttribute struct{ DataType, StringValue string }
)

// toQueue sends a message to an SQS queue.
func (s *Sender) toQueue(ctx context.Context, e Endpoint, t lambda.Target, m *Message) error {
	size := len(m.Body)
	message := sendMessage{MessageBody: string(m.Body)}
	for _, a := range m.attributes() {
		if message.MessageAttributes == nil {
			message.MessageAttributes = map[string]sqsAttribute{}
		}
		message.MessageAttributes[a.name] = sqsAttribute{a.kind, a.value}
		size += len(a.name) + len(a.kind) + len(a.value)
	}
	if size > maxQueueMessage {
		return fmt.Errorf("%d bytes, a queue takes %d: %w", size, maxQueueMessage, ErrTooLarge)
	}
	var err error
	if message.QueueUrl, err = s.queueURL(ctx, e, t, m.Target); err != nil {
		return err
	}
	var answer struct{ MessageId, MD5OfMessageBody string } //nolint:revive,staticcheck // the API's spelling
	if err := s.sqs(ctx, e, t, "SendMessage", message, &answer); err != nil {
		s.mu.Lock()
		delete(s.queues, m.Target) // it may have moved
		s.mu.Unlock()
		return err
	}
	sum := md5.Sum(m.Body) //nolint:gosec // as above
	switch {
	case answer.MessageId == "":
		return errors.New("the service did not say that it has the message")
	case answer.MD5OfMessageBody != "" && answer.MD5OfMessageBody != hex.EncodeToString(sum[:]):
		return errors.New("the service has another message than was sent")
	}
	return nil
}

// queueURL asks the service for the URL of a queue, once.
func (s *Sender) queueURL(ctx context.Context, e Endpoint, t lambda.Target, arn string) (string, error) {
	s.mu.Lock()
	known := s.queues[arn]
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var answer struct{ QueueUrl string } //nolint:revive,staticcheck // the API's spelling
	if err := s.sqs(ctx, e, t, "GetQueueUrl", getQueueURL{t.Name, t.Account}, &answer); err != nil {
		return "", err
	}
	if answer.QueueUrl == "" {
		return "", errors.New("the service did not say the queue's URL")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queues) >= maxQueues {
		clear(s.queues)
	}
	s.queues[arn] = answer.QueueUrl
	return answer.QueueUrl, nil
}

func (s *Sender) sqs(ctx context.Context, e Endpoint, t lambda.Target, operation string, in, out any) error {
	return s.json(ctx, &request{
		endpoint: e, service: "sqs", region: t.Region,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + operation},
	}, in, out)
}

// json posts in as JSON and reads the answer into out.
func (s *Sender) json(ctx context.Context, r *request, in, out any) (err error) {
	if r.body, err = json.Marshal(in); err != nil {
		return err
	}
	r.method, r.path = "POST", "/"
	answer, err := s.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("answer of the service: %w", err)
	}
	return nil
}
