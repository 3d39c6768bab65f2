package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what ETags are made of; it finds accidents, not forgery
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"thaw.dev/thaw/lambda"
)

// Options configure a Client.
type Options struct {
	// Endpoint is the store's URL, http or https, without a path. Buckets are the first part of the path.
	Endpoint string
	// Region goes into signatures.
	Region string
	// Credentials is a file in the format that AWS tools share, whose profile "default" is used. Empty: requests are not
	// signed.
	Credentials string
	// MaxBytes is the largest object that is read; 0 means lambda.MaxZipFromS3Bytes.
	MaxBytes int64
	// Timeout bounds one Get with all its tries; 0 means five minutes.
	Timeout time.Duration
}

// Client reads objects. Its methods may be called concurrently.
type Client struct {
	api      *s3.Client
	http     *http.Client
	maxBytes int64
	timeout  time.Duration
}

// tries is how often a request is made whose failure may be a passing one.
const tries = 3

// New returns a client. It reads the credentials once, to find out early that they cannot be read; it connects to nothing.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("S3 endpoint %q: want a form like https://host:port", o.Endpoint)
	}
	var credentials aws.CredentialsProvider = aws.AnonymousCredentials{}
	if o.Credentials != "" {
		credentials = file(o.Credentials)
		if _, err := credentials.Retrieve(context.Background()); err != nil {
			return nil, fmt.Errorf("S3 credentials: %w", err)
		}
	}
	c := &Client{maxBytes: o.MaxBytes, timeout: o.Timeout}
	if c.maxBytes == 0 {
		c.maxBytes = lambda.MaxZipFromS3Bytes
	}
	if c.timeout == 0 {
		c.timeout = 5 * time.Minute
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			IdleConnTimeout:       30 * time.Second,
			DisableCompression:    true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.api = s3.New(s3.Options{
		BaseEndpoint: aws.String(u.Scheme + "://" + u.Host), UsePathStyle: true, Region: o.Region, Credentials: credentials,
		HTTPClient: c.http, DisableS3ExpressSessionAuth: aws.Bool(true),
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = tries, time.Second }),
	})
	return c, nil
}

// Close drops the idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// bucketName is what the Lambda API takes for a bucket. Source: service model, S3Bucket.
var bucketName = regexp.MustCompile(`^[0-9A-Za-z._-]{2,62}[0-9A-Za-z_-]$`)

// Get reads the whole object, in that version if version is not "". What the store says against it, an object that is
// too large, and one that breaks off are a *lambda.Error of kind Invalid or Denied. Source of the texts: answers of AWS
// Lambda.
func (c *Client) Get(ctx context.Context, bucket, key, version string) ([]byte, error) {
	if !bucketName.MatchString(bucket) || key == "" {
		return nil, failed("InvalidBucketName", "The specified bucket is not valid.")
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	in := s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := c.api.GetObject(ctx, &in)
	if err != nil {
		return nil, c.explain(ctx, err, bucket, key)
	}
	defer out.Body.Close()
	size := aws.ToInt64(out.ContentLength)
	if size > c.maxBytes {
		return nil, c.tooLarge()
	}
	var read bytes.Buffer
	read.Grow(int(max(size, 0)) + bytes.MinRead) // or it would take twice the space
	if _, err := read.ReadFrom(io.LimitReader(out.Body, c.maxBytes+1)); err != nil {
		return nil, c.explain(ctx, err, bucket, key)
	}
	data := read.Bytes()
	if int64(len(data)) > c.maxBytes {
		return nil, c.tooLarge()
	}
	if out.ContentLength != nil && size != int64(len(data)) {
		return nil, failed("IncompleteBody", "The object is shorter than announced.")
	}
	if sum, ok := md5Of(out); ok && sum != md5.Sum(data) { //nolint:gosec // see the import
		return nil, failed("BadDigest", "The object is not what its ETag says.")
	}
	return data, nil
}

// md5Of is the MD5 of the object's content, where the ETag is that: not if it was uploaded in parts or is encrypted.
// Source: S3 API reference, "Object", ETag.
func md5Of(out *s3.GetObjectOutput) (sum [md5.Size]byte, ok bool) {
	text := strings.Trim(aws.ToString(out.ETag), `"`)
	if len(text) != hex.EncodedLen(md5.Size) || out.ServerSideEncryption != "" || out.SSECustomerAlgorithm != nil {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(text))
	return sum, err == nil
}

func (c *Client) tooLarge() error {
	return lambda.Errorf(lambda.KindInvalid, "Zipped size must be smaller than %d bytes", c.maxBytes)
}

func failed(code, message string) error {
	return lambda.Errorf(lambda.KindInvalid, "Error occurred while GetObject. S3 Error Code: %.128s. S3 Error Message: %.1024s", code, message)
}

// explain tells what the store said; an error that it did not give stays as it is.
func (c *Client) explain(ctx context.Context, err error, bucket, key string) error {
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		code, message := strings.ToValidUTF8(said.ErrorCode(), "?"), strings.ToValidUTF8(said.ErrorMessage(), "?")
		if code == "AccessDenied" {
			return &lambda.Error{Kind: lambda.KindDenied, Err: err, Msg: fmt.Sprintf("Your access has been denied by S3, please make sure your request "+
				"credentials have permission to GetObject for %s/%.1024s. S3 Error Code: %s. S3 Error Message: %.1024s", bucket, key, code, message)}
		}
		return failed(code, message)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failed("RequestTimeout", "The object could not be read in time.")
	}
	return fmt.Errorf("read %s/%.256s from S3: %w", bucket, key, err)
}
