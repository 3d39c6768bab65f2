package control

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Packages keeps deployment packages by their content; package code has the implementation.
type Packages interface {
	// Put stores an uploaded zip after looking into it. A *lambda.Error of kind Invalid means that it is no usable zip.
	Put(ctx context.Context, zip []byte) (lambda.Code, error)
	// Image makes the image of a stored zip, named by its hexadecimal SHA-256, unless it exists, and returns its path.
	// A *lambda.Error of kind Invalid means that the zip cannot be unpacked.
	Image(ctx context.Context, sha256 string) (string, error)
	// Layers makes the image that is to be /opt for these packages, unpacked in this order, as Image does for one.
	Layers(ctx context.Context, sha256s []string) (string, error)
	// Unzipped is how large what is in a stored zip is, in bytes.
	Unzipped(sha256 string) (int64, error)
}

// CreateInput is a function to create.
type CreateInput struct {
	Account, Name string
	Settings      Settings
	Caller        string // ARN of who calls, for refusals
	Zip           []byte // nil: no code was given
	Tags          map[string]string
	Publish       bool // publish version 1, too
	// CodeSigning is the ARN of a code signing configuration; "" for none.
	CodeSigning string
	// Tenancy is "" or lambda.PerTenant.
	Tenancy string
}

// Create stores a new function in state Pending and has it prepared in the background. It returns the function's
// configuration, or that of its first version with Publish. Errors: lambda.KindConflict
// when the account has a function of that name, KindInvalid, KindCodeStorage, KindNoCodeSigning, KindCodeVerification.
func (s *Functions) Create(ctx context.Context, in CreateInput) (*lambda.Config, error) {
	c := &lambda.Config{
		Account: in.Account, Name: in.Name, Version: lambda.Latest, Tenancy: in.Tenancy,
		Timeout: lambda.DefaultTimeoutSeconds, MemoryMB: lambda.DefaultMemoryMB, EphemeralMB: lambda.DefaultEphemeralMB,
	}
	in.Settings.makeDurable(c)
	in.Settings.apply(c)
	if err := check(c); err != nil {
		return nil, err
	}
	if err := s.checkRole(c.Account, c.Role); err != nil {
		return nil, err
	}
	if err := s.checkDeadLetter(in.Settings.DeadLetter); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	if err := checkZip(in.Zip); err != nil {
		return nil, err
	}
	if _, exists := s.store.Get(in.Account, in.Name); exists {
		return nil, alreadyExists(in.Name)
	}
	if err := s.checkSigned(in.Account, in.Name, in.CodeSigning); err != nil {
		return nil, err
	}
	if err := s.useLayers(c, in.Caller, in.Settings.Layers); err != nil {
		return nil, err
	}
	if err := s.room(in.Account, int64(len(in.Zip)), 0); err != nil {
		return nil, err
	}
	var err error
	if c.Code, err = s.packages.Put(ctx, in.Zip); err != nil {
		return nil, err
	}
	if err := s.checkUnzipped(c); err != nil {
		return nil, err
	}
	toPending(c)
	c.RevisionID = uuid.NewString()
	c.LastModified = time.Now().UTC().Truncate(time.Millisecond)
	f, v := store.Function{Config: *c, Tags: maps.Clone(in.Tags), CodeSigning: in.CodeSigning}, (*store.Version)(nil)
	if in.Publish {
		if f, v, err = s.withVersion(f, nil); err != nil {
			return nil, err
		}
	}
	stored, published, err := s.putSigned(ctx, f, v)
	if errors.Is(err, store.ErrExists) {
		return nil, alreadyExists(in.Name)
	}
	if err != nil {
		return nil, err
	}
	s.queue.add(keyOf(c))
	if published != nil {
		return published, nil
	}
	return &stored.Config, nil
}

func alreadyExists(name string) error {
	return lambda.Errorf(lambda.KindConflict, "Function already exist: %s", name) // sic
}

func checkZip(zip []byte) error {
	switch {
	case zip == nil:
		return lambda.Errorf(lambda.KindInvalid, "Please provide a source for function code.")
	case len(zip) == 0:
		return lambda.Errorf(lambda.KindInvalid, "Uploaded file must be a non-empty zip")
	case len(zip) > lambda.MaxZipFromS3Bytes:
		return lambda.Errorf(lambda.KindEntityTooLarge, "Zipped size must be smaller than %d bytes", lambda.MaxZipFromS3Bytes)
	}
	return nil
}
