// Command gosdk is the tour with aws-sdk-go-v2. It is a module of its own so that the SDK is no dependency of ours.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	t := &tour{ctx: ctx}
	var err error
	if t.config, err = config.LoadDefaultConfig(ctx, config.WithHTTPClient(&t.http)); err != nil {
		return err
	}
	if t.one, err = os.ReadFile("one.zip"); err != nil {
		return err
	}
	if t.two, err = os.ReadFile("two.zip"); err != nil {
		return err
	}
	t.aws = lambda.NewFromConfig(t.config)
	fmt.Println("aws-sdk-go-v2", aws.SDKVersion)
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"identity", t.identity},
		{"account settings", t.accountSettings},
		{"create", t.create},
		{"create again", t.createAgain},
		{"wait until active", t.wait},
		{"get and download", t.get},
		{"invoke", t.invoke},
		{"dry run", t.dryRun},
		{"function error", t.functionError},
		{"update code", t.updateCode},
		{"update configuration", t.updateConfiguration},
		{"list in pages", t.list},
		{"tags", t.tags},
		{"concurrency and code signing", t.concurrency},
		{"versions", t.versions},
		{"reserved concurrency", t.reserved},
		{"provisioned concurrency", t.provisioned},
		{"aliases", t.aliases},
		{"snap start", t.snapStart},
		{"permissions", t.permissions},
		{"function url", t.functionURL},
		{"event invoke config", t.eventInvokeConfig},
		{"asynchronous invocation", t.asynchronous},
		{"recursion and runtime management", t.recursionAndRuntime},
		{"layers", t.layers},
		{"code signing", t.codeSigning},
		{"tags of other resources", t.otherTags},
		{"event source mappings", t.mappings},
		{"revision that is not the latest", t.revision},
		{"invalid parameter", t.invalid},
		{"payload too large", t.tooLarge},
		{"unknown function", t.unknown},
		{"wrong secret key", t.wrongSecret},
		{"unknown access key", t.unknownKey},
		{"not implemented yet", t.notImplemented},
		{"delete", t.remove},
	} {
		fmt.Println("step:", s.name)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// tour holds what one step leaves to the next.
type tour struct {
	ctx      context.Context
	http     counter
	config   aws.Config
	aws      *lambda.Client
	one, two []byte // the two packages
	arn      string
	old      *string // a revision that is not the latest
	signing  *string // a code signing configuration
}

// counter counts the requests that really go out.
type counter struct {
	requests int
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	c.requests++
	return http.DefaultClient.Do(r)
}

// same is an error unless got is want.
func same(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}

// refused is an error unless err is one of type E, sent after one request, and says something.
func refused[E error](t *tour, call func() error) error {
	before := t.http.requests
	err := call()
	e, ok := errors.AsType[E](err)
	if !ok {
		return fmt.Errorf("want %T, got %w", e, err)
	}
	a, ok := errors.AsType[smithy.APIError](err)
	if !ok || a.ErrorMessage() == "" {
		return fmt.Errorf("no message in %w", err)
	}
	return same("the number of requests", t.http.requests-before, 1)
}

// refusedAs is refused for errors that the client models no type for.
func refusedAs(t *tour, code string, call func() error) error {
	got := ""
	err := refused[smithy.APIError](t, func() error {
		err := call()
		if a, ok := errors.AsType[smithy.APIError](err); ok {
			got = a.ErrorCode()
		}
		return err
	})
	return errors.Join(err, same("the error's code", got, code))
}

func (t *tour) identity() error {
	out, err := sts.NewFromConfig(t.config).GetCallerIdentity(t.ctx, nil)
	if err != nil {
		return err
	}
	return same("account", *out.Account, "000000000000")
}

func (t *tour) accountSettings() error {
	out, err := t.aws.GetAccountSettings(t.ctx, nil)
	if err != nil {
		return err
	}
	return same("limit", out.AccountLimit.ConcurrentExecutions, int32(1000))
}

func (t *tour) function(name string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.Runtime(os.Getenv("TOUR_RUNTIME")), Handler: aws.String("app.handler"),
		Role: aws.String(os.Getenv("TOUR_ROLE")), Code: &types.FunctionCode{ZipFile: t.one},
		MemorySize: aws.Int32(128), Timeout: aws.Int32(30),
	}
}

func (t *tour) create() error {
	in := t.function("tour")
	in.Tags = map[string]string{"team": "ice", "tier": "1"}
	in.Environment = &types.Environment{Variables: map[string]string{"GREETING": "hello"}}
	out, err := t.aws.CreateFunction(t.ctx, in)
	if err != nil {
		return err
	}
	t.arn = *out.FunctionArn
	return errors.Join(
		same("state", out.State, types.StatePending),
		same("digest", *out.CodeSha256, os.Getenv("TOUR_SHA256_ONE")),
		same("size", out.CodeSize, int64(len(t.one))),
	)
}

func (t *tour) createAgain() error {
	return refused[*types.ResourceConflictException](t, func() error {
		_, err := t.aws.CreateFunction(t.ctx, t.function("tour"))
		return err
	})
}

func (t *tour) wait() error {
	in := lambda.GetFunctionInput{FunctionName: &t.arn}
	return lambda.NewFunctionActiveV2Waiter(t.aws).Wait(t.ctx, &in, time.Minute)
}

func (t *tour) get() error {
	out, err := t.aws.GetFunction(t.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("tour")})
	if err != nil {
		return err
	}
	resp, err := http.Get(*out.Code.Location)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	zip, err := io.ReadAll(resp.Body)
	return errors.Join(
		err,
		same("state", out.Configuration.State, types.StateActive),
		same("tags", out.Tags, map[string]string{"team": "ice", "tier": "1"}),
		same("status of the download", resp.StatusCode, http.StatusOK),
		same("the package is one.zip", bytes.Equal(zip, t.one), true),
	)
}

// result is what the function of the tour answers.
type result struct {
	Version          int
	Event            map[string]any
	Memory, Greeting string
	Custom           map[string]string
	ARN              string
	ErrorType        string
	ErrorMessage     string
}

// call invokes the function.
func (t *tour) call(event string, change func(*lambda.InvokeInput)) (*lambda.InvokeOutput, result, error) {
	in := lambda.InvokeInput{FunctionName: aws.String("tour"), Payload: []byte(event)}
	if change != nil {
		change(&in)
	}
	var r result
	out, err := t.aws.Invoke(t.ctx, &in)
	if err == nil && len(out.Payload) > 0 {
		err = json.Unmarshal(out.Payload, &r)
	}
	return out, r, err
}

func (t *tour) invoke() error {
	out, r, err := t.call(`{"name":"Grüße, 世界"}`, func(in *lambda.InvokeInput) {
		in.LogType = types.LogTypeTail
		in.ClientContext = aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom":{"from":"go"}}`)))
	})
	if err != nil {
		return err
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		return err
	}
	for _, part := range []string{"START RequestId: ", "version 1 handles {'name': 'Grüße, 世界'}", "REPORT RequestId: "} {
		if !strings.Contains(string(log), part) {
			return fmt.Errorf("no %q in the log %q", part, log)
		}
	}
	return errors.Join(
		same("status", out.StatusCode, int32(http.StatusOK)),
		same("version", aws.ToString(out.ExecutedVersion), "$LATEST"),
		same("error", out.FunctionError, (*string)(nil)),
		same("result", r, result{
			Version: 1, Event: map[string]any{"name": "Grüße, 世界"}, Memory: "128", Greeting: "hello", Custom: map[string]string{"from": "go"}, ARN: t.arn,
		}),
	)
}

func (t *tour) dryRun() error {
	out, _, err := t.call(`{}`, func(in *lambda.InvokeInput) { in.InvocationType = types.InvocationTypeDryRun })
	if err != nil {
		return err
	}
	return same("status", out.StatusCode, int32(http.StatusNoContent))
}

func (t *tour) functionError() error {
	out, r, err := t.call(`{"fail":true}`, nil)
	if err != nil {
		return err
	}
	return errors.Join(
		same("status", out.StatusCode, int32(http.StatusOK)),
		same("error", aws.ToString(out.FunctionError), "Unhandled"),
		same("result", r, result{ErrorType: "ValueError", ErrorMessage: "on purpose"}),
	)
}

func (t *tour) updated() error {
	in := lambda.GetFunctionInput{FunctionName: aws.String("tour")}
	return lambda.NewFunctionUpdatedV2Waiter(t.aws).Wait(t.ctx, &in, time.Minute)
}

func (t *tour) updateCode() error {
	out, err := t.aws.UpdateFunctionCode(t.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("tour"), ZipFile: t.two})
	if err != nil {
		return err
	}
	if err := t.updated(); err != nil {
		return err
	}
	_, r, err := t.call(`{}`, nil)
	return errors.Join(
		err,
		same("digest", *out.CodeSha256, os.Getenv("TOUR_SHA256_TWO")),
		same("version", r.Version, 2),
	)
}

func (t *tour) updateConfiguration() error {
	now, err := t.aws.GetFunctionConfiguration(t.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("tour")})
	if err != nil {
		return err
	}
	t.old = now.RevisionId
	out, err := t.aws.UpdateFunctionConfiguration(t.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("tour"), MemorySize: aws.Int32(256), RevisionId: t.old,
		Environment: &types.Environment{Variables: map[string]string{"GREETING": "bye"}},
	})
	if err != nil {
		return err
	}
	if err := t.updated(); err != nil {
		return err
	}
	_, r, err := t.call(`{}`, nil)
	return errors.Join(
		err,
		same("memory", *out.MemorySize, int32(256)),
		same("result", []any{r.Version, r.Memory, r.Greeting}, []any{2, "256", "bye"}),
	)
}

func names(functions []types.FunctionConfiguration) (all []string) {
	for _, f := range functions {
		all = append(all, *f.FunctionName)
	}
	return all
}

func (t *tour) list() error {
	for _, name := range []string{"tour-b", "tour-c"} {
		if _, err := t.aws.CreateFunction(t.ctx, t.function(name)); err != nil {
			return err
		}
	}
	var pages [][]string
	for p := lambda.NewListFunctionsPaginator(t.aws, &lambda.ListFunctionsInput{MaxItems: aws.Int32(1)}); p.HasMorePages(); {
		page, err := p.NextPage(t.ctx)
		if err != nil {
			return err
		}
		pages = append(pages, names(page.Functions))
	}
	first, err := t.aws.ListFunctions(t.ctx, &lambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	if err != nil {
		return err
	}
	rest, err := t.aws.ListFunctions(t.ctx, &lambda.ListFunctionsInput{Marker: first.NextMarker})
	if err != nil {
		return err
	}
	return errors.Join(
		same("pages", pages, [][]string{{"tour"}, {"tour-b"}, {"tour-c"}}),
		same("the first two", names(first.Functions), []string{"tour", "tour-b"}),
		same("the rest", names(rest.Functions), []string{"tour-c"}),
	)
}

func (t *tour) tags() error {
	_, err := t.aws.TagResource(t.ctx, &lambda.TagResourceInput{Resource: &t.arn, Tags: map[string]string{"owner": "me", "tier": "2"}})
	if err != nil {
		return err
	}
	if _, err := t.aws.UntagResource(t.ctx, &lambda.UntagResourceInput{Resource: &t.arn, TagKeys: []string{"team"}}); err != nil {
		return err
	}
	out, err := t.aws.ListTags(t.ctx, &lambda.ListTagsInput{Resource: &t.arn})
	if err != nil {
		return err
	}
	return same("tags", out.Tags, map[string]string{"owner": "me", "tier": "2"})
}

func (t *tour) concurrency() error {
	reserved, err := t.aws.GetFunctionConcurrency(t.ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: aws.String("tour")})
	if err != nil {
		return err
	}
	signing, err := t.aws.GetFunctionCodeSigningConfig(t.ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: aws.String("tour")})
	if err != nil {
		return err
	}
	return errors.Join(
		same("concurrency", reserved.ReservedConcurrentExecutions, (*int32)(nil)),
		same("code signing of", *signing.FunctionName, "tour"),
		same("code signing", aws.ToString(signing.CodeSigningConfigArn), ""),
	)
}

func (t *tour) revision() error {
	return errors.Join(
		refused[*types.PreconditionFailedException](t, func() error {
			_, err := t.aws.UpdateFunctionConfiguration(t.ctx, &lambda.UpdateFunctionConfigurationInput{
				FunctionName: aws.String("tour"), Timeout: aws.Int32(5), RevisionId: t.old,
			})
			return err
		}),
		refused[*types.PreconditionFailedException](t, func() error {
			_, err := t.aws.UpdateFunctionCode(t.ctx, &lambda.UpdateFunctionCodeInput{
				FunctionName: aws.String("tour"), ZipFile: t.one, RevisionId: t.old,
			})
			return err
		}),
	)
}

func (t *tour) invalid() error {
	update := func(in lambda.UpdateFunctionConfigurationInput) func() error {
		in.FunctionName = aws.String("tour")
		return func() error {
			_, err := t.aws.UpdateFunctionConfiguration(t.ctx, &in)
			return err
		}
	}
	reserved := &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
	return errors.Join(
		refused[*types.InvalidParameterValueException](t, update(lambda.UpdateFunctionConfigurationInput{Environment: reserved})),
		refusedAs(t, "ValidationException", update(lambda.UpdateFunctionConfigurationInput{Timeout: aws.Int32(901)})),
	)
}

func (t *tour) tooLarge() error {
	large, err := os.ReadFile("large.json")
	if err != nil {
		return err
	}
	return refused[*types.RequestTooLargeException](t, func() error {
		_, _, err := t.call(string(large), nil)
		return err
	})
}

func (t *tour) unknown() error {
	return errors.Join(
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.aws.GetFunction(t.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("nope")})
			return err
		}),
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.aws.Invoke(t.ctx, &lambda.InvokeInput{FunctionName: aws.String("nope")})
			return err
		}),
	)
}

// listAs lists functions with another key.
func (t *tour) listAs(id, secret string) func() error {
	client := lambda.NewFromConfig(t.config, func(o *lambda.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, "")
	})
	return func() error {
		_, err := client.ListFunctions(t.ctx, nil)
		return err
	}
}

func (t *tour) wrongSecret() error {
	return refusedAs(t, "InvalidSignatureException", t.listAs(os.Getenv("AWS_ACCESS_KEY_ID"), "wrong"))
}

func (t *tour) unknownKey() error {
	return refusedAs(t, "UnrecognizedClientException", t.listAs("AKIAIOSFODNN7EXAMPLE", "x"))
}

func (t *tour) notImplemented() error {
	return refusedAs(t, "NotImplementedException", func() error {
		_, err := t.aws.ListCapacityProviders(t.ctx, nil)
		return err
	})
}

func (t *tour) remove() error {
	for _, name := range []string{"tour", "tour-b", "tour-c"} {
		if _, err := t.aws.DeleteFunction(t.ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
			return err
		}
	}
	gone := refused[*types.ResourceNotFoundException](t, func() error {
		_, err := t.aws.GetFunction(t.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("tour")})
		return err
	})
	again := refused[*types.ResourceNotFoundException](t, func() error {
		_, err := t.aws.DeleteFunction(t.ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("tour")})
		return err
	})
	out, err := t.aws.ListFunctions(t.ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(gone, again, same("functions", len(out.Functions), 0))
}
