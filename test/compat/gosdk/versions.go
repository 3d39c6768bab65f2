package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var name = aws.String("tour")

// publish publishes a version, which must get that number.
func (t *tour) publish(number string, in lambda.PublishVersionInput) (*lambda.PublishVersionOutput, error) {
	in.FunctionName = name
	out, err := t.aws.PublishVersion(t.ctx, &in)
	if err != nil {
		return nil, err
	}
	return out, errors.Join(
		same("version", aws.ToString(out.Version), number),
		same("ARN", aws.ToString(out.FunctionArn), t.arn+":"+number),
	)
}

// ran invokes a version and checks which code answers.
func (t *tour) ran(number string, code int) error {
	out, r, err := t.call(`{}`, func(in *lambda.InvokeInput) { in.Qualifier = &number })
	if err != nil {
		return err
	}
	return errors.Join(
		same("the version that ran", aws.ToString(out.ExecutedVersion), number),
		same("the code of version "+number, r.Version, code),
	)
}

func (t *tour) versions() error {
	one, err := t.publish("1", lambda.PublishVersionInput{})
	if err != nil {
		return err
	}
	again, err := t.publish("1", lambda.PublishVersionInput{})
	if err != nil {
		return err
	}
	two, err := t.aws.UpdateFunctionCode(t.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: t.one, Publish: true})
	if err != nil {
		return err
	}
	if err := errors.Join(t.updated(), t.published("2")); err != nil {
		return err
	}
	var numbers []string
	for p := lambda.NewListVersionsByFunctionPaginator(t.aws, &lambda.ListVersionsByFunctionInput{FunctionName: name, MaxItems: aws.Int32(1)}); p.HasMorePages(); {
		page, err := p.NextPage(t.ctx)
		if err != nil {
			return err
		}
		for _, v := range page.Versions {
			numbers = append(numbers, *v.Version)
		}
	}
	err = errors.Join(
		same("the same again", *again.RevisionId, *one.RevisionId),
		same("the second version", aws.ToString(two.Version), "2"),
		same("versions", numbers, []string{"$LATEST", "1", "2"}),
		t.ran("1", 2),
		t.ran("2", 1),
		refused[*types.InvalidParameterValueException](t, func() error {
			_, err := t.publish("", lambda.PublishVersionInput{CodeSha256: aws.String(os.Getenv("TOUR_SHA256_TWO"))})
			return err
		}),
	)
	if err != nil {
		return err
	}
	if _, err := t.aws.DeleteFunction(t.ctx, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("2")}); err != nil {
		return err
	}
	_, err = t.publish("3", lambda.PublishVersionInput{Description: aws.String("third")})
	return errors.Join(err, refused[*types.ResourceNotFoundException](t, func() error {
		_, err := t.aws.GetFunction(t.ctx, &lambda.GetFunctionInput{FunctionName: name, Qualifier: aws.String("2")})
		return err
	}))
}

// published waits until a version is Active.
func (t *tour) published(number string) error {
	in := lambda.GetFunctionConfigurationInput{FunctionName: name, Qualifier: &number}
	return lambda.NewPublishedVersionActiveWaiter(t.aws).Wait(t.ctx, &in, time.Minute)
}

func (t *tour) reserve(n int32) error {
	out, err := t.aws.PutFunctionConcurrency(t.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: &n})
	if err != nil {
		return err
	}
	return same("reserved", aws.ToInt32(out.ReservedConcurrentExecutions), n)
}

func (t *tour) reserved() error {
	if err := t.reserve(5); err != nil {
		return err
	}
	fn, err := t.aws.GetFunction(t.ctx, &lambda.GetFunctionInput{FunctionName: name})
	if err != nil {
		return err
	}
	account, err := t.aws.GetAccountSettings(t.ctx, nil)
	if err != nil {
		return err
	}
	err = errors.Join(
		same("reserved", aws.ToInt32(fn.Concurrency.ReservedConcurrentExecutions), int32(5)),
		same("unreserved", aws.ToInt32(account.AccountLimit.UnreservedConcurrentExecutions), int32(995)),
		refused[*types.InvalidParameterValueException](t, func() error { return t.reserve(901) }),
		t.reserve(0),
	)
	if err != nil {
		return err
	}
	_, err = t.aws.Invoke(t.ctx, &lambda.InvokeInput{FunctionName: name}, func(o *lambda.Options) { o.Retryer = aws.NopRetryer{} })
	throttled, ok := errors.AsType[*types.TooManyRequestsException](err)
	if !ok {
		return fmt.Errorf("a function with no concurrency was invoked: %w", err)
	}
	if _, err := t.aws.DeleteFunctionConcurrency(t.ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}); err != nil {
		return err
	}
	out, err := t.aws.GetFunctionConcurrency(t.ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: name})
	if err != nil {
		return err
	}
	return errors.Join(
		same("reason", throttled.Reason, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded),
		same("when to try again", aws.ToString(throttled.RetryAfterSeconds) != "", true),
		same("concurrency", out.ReservedConcurrentExecutions, (*int32)(nil)),
	)
}

func (t *tour) provision(qualifier string) (*lambda.PutProvisionedConcurrencyConfigOutput, error) {
	return t.aws.PutProvisionedConcurrencyConfig(t.ctx, &lambda.PutProvisionedConcurrencyConfigInput{
		FunctionName: name, Qualifier: &qualifier, ProvisionedConcurrentExecutions: aws.Int32(1),
	})
}

func (t *tour) provisioned() error {
	get := lambda.GetProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("1")}
	none := func() error {
		return refused[*types.ProvisionedConcurrencyConfigNotFoundException](t, func() error {
			_, err := t.aws.GetProvisionedConcurrencyConfig(t.ctx, &get)
			return err
		})
	}
	latest := refused[*types.InvalidParameterValueException](t, func() error {
		_, err := t.provision("$LATEST")
		return err
	})
	if err := errors.Join(none(), latest); err != nil {
		return err
	}
	put, err := t.provision("1")
	if err != nil {
		return err
	}
	err = errors.Join(
		same("requested", aws.ToInt32(put.RequestedProvisionedConcurrentExecutions), int32(1)),
		same("allocated", aws.ToInt32(put.AllocatedProvisionedConcurrentExecutions), int32(0)),
		same("status", put.Status, types.ProvisionedConcurrencyStatusEnumInProgress),
	)
	if err != nil {
		return err
	}
	status := put.Status
	for deadline := time.Now().Add(30 * time.Second); status == types.ProvisionedConcurrencyStatusEnumInProgress && time.Now().Before(deadline); {
		now, err := t.aws.GetProvisionedConcurrencyConfig(t.ctx, &get)
		if err != nil {
			return err
		}
		status = now.Status
	}
	list, err := t.aws.ListProvisionedConcurrencyConfigs(t.ctx, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: name})
	if err != nil {
		return err
	}
	if err := errors.Join(
		same("status", status, types.ProvisionedConcurrencyStatusEnumReady),
		same("length of the list", len(list.ProvisionedConcurrencyConfigs), 1),
		t.ran("1", 2),
	); err != nil {
		return err
	}
	_, err = t.aws.DeleteProvisionedConcurrencyConfig(t.ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: aws.String("1")})
	return errors.Join(err, same("ARN", *list.ProvisionedConcurrencyConfigs[0].FunctionArn, t.arn+":1"), none())
}

// apply sets SnapStart.
func (t *tour) apply(on types.SnapStartApplyOn) error {
	out, err := t.aws.UpdateFunctionConfiguration(t.ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, SnapStart: &types.SnapStart{ApplyOn: on}})
	if err != nil {
		return err
	}
	return errors.Join(
		same("snap start", *out.SnapStart, types.SnapStartResponse{ApplyOn: on, OptimizationStatus: types.SnapStartOptimizationStatusOff}),
		t.updated(),
	)
}

func (t *tour) snapStart() error {
	if err := t.apply(types.SnapStartApplyOnPublishedVersions); err != nil {
		return err
	}
	version, err := t.publish("4", lambda.PublishVersionInput{})
	if err != nil {
		return err
	}
	if err := errors.Join(same("state", version.State, types.StatePending), t.published("4")); err != nil {
		return err
	}
	now, err := t.aws.GetFunctionConfiguration(t.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name, Qualifier: aws.String("4")})
	if err != nil {
		return err
	}
	return errors.Join(
		same("optimisation", now.SnapStart.OptimizationStatus, types.SnapStartOptimizationStatusOn),
		t.ran("4", 1),
		refused[*types.InvalidParameterValueException](t, func() error {
			_, err := t.provision("4")
			return err
		}),
		t.apply(types.SnapStartApplyOnNone),
	)
}
