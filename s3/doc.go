// Package s3 reads objects from the one S3-compatible store that the operator configured: code that callers name by bucket
// and key instead of sending it.
//
// Everything an account names is read with the operator's credentials, or anonymously, and with nothing else: neither the
// environment nor the host's metadata are asked. The only address it talks to is the endpoint: redirects are not followed,
// and a bucket is a name in a path, never a host. So every account can have a deployment package made of every object that
// those credentials can read; whoever shares a server between accounts gives it credentials for buckets of packages only.
//
// What comes back is not trusted: its length is bounded before and while it is read, and compared with what was
// announced, as is its MD5 where the ETag is one. Failures that the store reports are the caller's, with its code and
// message; those of the connection are ours.
//
// The credentials file is read for each request, so that credentials can be replaced while the server runs.
package s3
