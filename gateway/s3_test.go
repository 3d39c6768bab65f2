package gateway_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
)

// bucket has objects by "bucket/key version" and remembers nothing else.
type bucket struct {
	mu   sync.Mutex
	objs map[string]string
}

func (b *bucket) Get(_ context.Context, name, key, version string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if o, ok := b.objs[strings.TrimSpace(name+"/"+key+" "+version)]; ok {
		return []byte(o), nil
	}
	return nil, lambda.Errorf(lambda.KindInvalid, "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
}

// fromS3 is createBody with the code's members given.
func fromS3(name, code string) string {
	return strings.Replace(createBody(name, ""), `{"ZipFile":"`+zip64+`"}`, `{`+code+`}`, 1)
}

func TestCodeFromS3(t *testing.T) {
	b := &bucket{objs: map[string]string{"code/dir/f.zip": "PK from s3", "code/dir/f.zip 7": "PK version 7", "code/layer.zip": "PK a layer"}}
	s := newServer(t, func(_ *server, o *gateway.Options) { o.Objects = b })
	const invalid = "InvalidParameterValueException"
	size := func(a answer, status int, want string) {
		t.Helper()
		if a.status != status || !strings.Contains(a.body, `"CodeSize":`+want+`,`) {
			t.Errorf("answered %d %s, want a code of %s bytes", a.status, a.body, want)
		}
	}
	size(s.do("POST", fns, fromS3("f", `"S3Bucket":"code","S3Key":"dir/f.zip"`)), 201, "10")
	s.settle("f")
	size(s.do("PUT", fns+"/f/code", `{"S3Bucket":"code","S3Key":"dir/f.zip","S3ObjectVersion":"7","S3ObjectStorageMode":"COPY"}`), 200, "12")
	s.settle("f")
	if a := s.do("POST", layers+"/l/versions", `{"Content":{"S3Bucket":"code","S3Key":"layer.zip"}}`); a.status != 201 || !strings.Contains(a.body, `"CodeSize":10}`) {
		t.Errorf("layer: %d %s", a.status, a.body)
	}

	none := `{"Type":"User","message":"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."}`
	s.do("POST", fns, fromS3("g", `"S3Bucket":"code","S3Key":"none"`)).wantError(t, 400, invalid, none)
	s.do("PUT", fns+"/f/code", `{"S3Bucket":"code","S3Key":"none"}`).wantError(t, 400, invalid, none)
	s.do("POST", layers+"/l/versions", `{"Content":{"S3Bucket":"code","S3Key":"none"}}`).wantError(t, 400, invalid, none)
	s.do("POST", fns, fromS3("g", `"S3Bucket":"code","S3Key":"dir/f.zip","ZipFile":"`+zip64+`"`)).wantError(t, 400, invalid,
		`{"Type":"User","message":"Please do not provide other FunctionCode parameters when providing a ZipFile."}`)
	s.do("POST", fns, fromS3("g", `"S3Bucket":"code"`)).wantError(t, 400, invalid, `{"Type":"User","message":"Please provide both S3Bucket and S3Key."}`)
	s.do("POST", fns, fromS3("g", `"S3Bucket":"code","S3Key":"dir/f.zip","S3ObjectStorageMode":"REFERENCE"`)).wantError(t, 400, invalid,
		`{"Type":"User","message":"S3ObjectStorageMode REFERENCE is not implemented yet by Thaw"}`)
	for member, code := range map[string]string{
		"code.s3Bucket": `"S3Bucket":"a/b","S3Key":"x"`, "code.s3Key": `"S3Bucket":"code","S3Key":""`,
		"code.s3ObjectStorageMode": `"S3Bucket":"code","S3Key":"x","S3ObjectStorageMode":"LINK"`,
	} {
		if a := s.do("POST", fns, fromS3("g", code)); a.status != 400 || !strings.Contains(a.body, "at '"+member+"' failed to satisfy constraint") {
			t.Errorf("%s: %d %s", member, a.status, a.body)
		}
	}
}

func TestCodeFromS3WithoutEndpoint(t *testing.T) {
	s := newServer(t)
	const refusal = `{"Type":"User","message":"Code from S3 (S3Bucket) needs an S3 endpoint, and this server has none; its operator can give it one with thaw serve --s3-endpoint"}`
	s.do("POST", fns, fromS3("f", `"S3Bucket":"code","S3Key":"f.zip"`)).wantError(t, 400, "InvalidParameterValueException", refusal)
	s.do("POST", layers+"/l/versions", `{"Content":{"S3Bucket":"code","S3Key":"f.zip"}}`).wantError(t, 400, "InvalidParameterValueException", refusal)
}

// What is sent inside a request is bounded as before, although more may come from S3.
func TestZipInTheRequestIsBounded(t *testing.T) {
	s := newServer(t)
	zip := "UEsK" + strings.Repeat("AAAA", lambda.MaxZipBytes/3)
	s.do("POST", fns, fromS3("f", `"ZipFile":"`+zip+`"`)).wantError(t, 413, "RequestEntityTooLargeException",
		`{"Type":"User","message":"Zipped size must be smaller than 52428800 bytes"}`)
}
