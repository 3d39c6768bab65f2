package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var one = aws.String("1")

func (t *tour) getEventConfig() (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	return t.aws.GetFunctionEventInvokeConfig(t.ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: one})
}

func (t *tour) updateEventConfig(in lambda.UpdateFunctionEventInvokeConfigInput) error {
	in.FunctionName, in.Qualifier = name, one
	_, err := t.aws.UpdateFunctionEventInvokeConfig(t.ctx, &in)
	return err
}

func (t *tour) eventInvokeConfig() error {
	none := refused[*types.ResourceNotFoundException](t, func() error {
		return t.updateEventConfig(lambda.UpdateFunctionEventInvokeConfigInput{MaximumRetryAttempts: aws.Int32(1)})
	})
	put, err := t.aws.PutFunctionEventInvokeConfig(t.ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: name, Qualifier: one, MaximumRetryAttempts: aws.Int32(0),
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: aws.String(t.arn + "-b")}},
	})
	if err != nil {
		return err
	}
	if err := t.updateEventConfig(lambda.UpdateFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: aws.Int32(60)}); err != nil {
		return err
	}
	shown, err := t.getEventConfig()
	if err != nil {
		return err
	}
	listed, err := t.aws.ListFunctionEventInvokeConfigs(t.ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: name})
	if err != nil {
		return err
	}
	return errors.Join(
		none,
		same("of", aws.ToString(put.FunctionArn), t.arn+":1"),
		same("the destination", aws.ToString(shown.DestinationConfig.OnSuccess.Destination), t.arn+"-b"),
		same("the limits", []any{*shown.MaximumRetryAttempts, *shown.MaximumEventAgeInSeconds}, []any{int32(0), int32(60)}),
		same("that it is of now", time.Since(aws.ToTime(shown.LastModified)).Abs() < time.Minute, true),
		same("the list", len(listed.FunctionEventInvokeConfigs), 1),
	)
}

// asynchronous has tour-b get the record of one event, of another function, and an event of its own.
func (t *tour) asynchronous() error {
	out, _, err := t.call(`{"name":"later"}`, func(in *lambda.InvokeInput) {
		in.Qualifier, in.InvocationType = one, types.InvocationTypeEvent
	})
	if err != nil {
		return err
	}
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	old, err := t.aws.InvokeAsync(t.ctx, &lambda.InvokeAsyncInput{FunctionName: aws.String("tour-b"), InvokeArgs: strings.NewReader(`{"name":"old way"}`)})
	if err != nil {
		return err
	}
	return errors.Join(
		same("status", out.StatusCode, int32(202)),
		same("version", out.ExecutedVersion, (*string)(nil)),
		same("status", old.Status, int32(202)),
		t.printed("tour-b", "handles {'name': 'old way'}", "'condition': 'Success'", "'requestPayload': {'name': 'later'}", id),
		t.deleteEventConfig(),
	)
}

// printed waits until the log of a function has all parts.
func (t *tour) printed(function string, parts ...string) error {
	logs := cloudwatchlogs.NewFromConfig(t.config)
	for deadline := time.Now().Add(time.Minute); ; {
		var log strings.Builder
		page, err := logs.FilterLogEvents(t.ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/lambda/" + function), FilterPattern: aws.String("handles"),
		})
		if _, none := errors.AsType[*logtypes.ResourceNotFoundException](err); none {
			page = &cloudwatchlogs.FilterLogEventsOutput{} // it has not run yet
		} else if err != nil {
			return err
		}
		for _, e := range page.Events {
			log.WriteString(aws.ToString(e.Message))
		}
		missing := ""
		for _, part := range parts {
			if !strings.Contains(log.String(), part) {
				missing = part
			}
		}
		if missing == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no %q in the log %q", missing, log.String())
		}
	}
}

func (t *tour) deleteEventConfig() error {
	_, err := t.aws.DeleteFunctionEventInvokeConfig(t.ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: one})
	return errors.Join(err, refused[*types.ResourceNotFoundException](t, func() error {
		_, err := t.getEventConfig()
		return err
	}))
}

func (t *tour) recursionAndRuntime() error {
	recursion := func() (types.RecursiveLoop, error) {
		out, err := t.aws.GetFunctionRecursionConfig(t.ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: name})
		if err != nil {
			return "", err
		}
		return out.RecursiveLoop, nil
	}
	before, err := recursion()
	if err != nil {
		return err
	}
	_, err = t.aws.PutFunctionRecursionConfig(t.ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: name, RecursiveLoop: types.RecursiveLoopAllow})
	if err != nil {
		return err
	}
	after, err := recursion()
	if err != nil {
		return err
	}
	_, err = t.aws.PutRuntimeManagementConfig(t.ctx, &lambda.PutRuntimeManagementConfigInput{FunctionName: name, UpdateRuntimeOn: types.UpdateRuntimeOnFunctionUpdate})
	if err != nil {
		return err
	}
	out, err := t.aws.GetRuntimeManagementConfig(t.ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: name})
	if err != nil {
		return err
	}
	return errors.Join(
		same("recursion", []any{before, after}, []any{types.RecursiveLoopTerminate, types.RecursiveLoopAllow}),
		same("of", aws.ToString(out.FunctionArn), t.arn+":$LATEST"),
		same("runtime updates", out.UpdateRuntimeOn, types.UpdateRuntimeOnFunctionUpdate),
	)
}

func (t *tour) mappings() error {
	uuid := aws.String("14e0db71-5d35-4eb5-b481-8945cf9d10c2")
	create := refused[*types.InvalidParameterValueException](t, func() error {
		_, err := t.aws.CreateEventSourceMapping(t.ctx, &lambda.CreateEventSourceMappingInput{
			FunctionName: name, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:queue"),
		})
		if err != nil && !strings.Contains(err.Error(), "SQS") {
			return fmt.Errorf("it does not name the source: %s", err)
		}
		return err
	})
	type missing = types.ResourceNotFoundException
	get := refused[*missing](t, func() error {
		_, err := t.aws.GetEventSourceMapping(t.ctx, &lambda.GetEventSourceMappingInput{UUID: uuid})
		return err
	})
	update := refused[*missing](t, func() error {
		_, err := t.aws.UpdateEventSourceMapping(t.ctx, &lambda.UpdateEventSourceMappingInput{UUID: uuid, Enabled: aws.Bool(false)})
		return err
	})
	remove := refused[*missing](t, func() error {
		_, err := t.aws.DeleteEventSourceMapping(t.ctx, &lambda.DeleteEventSourceMappingInput{UUID: uuid})
		return err
	})
	out, err := t.aws.ListEventSourceMappings(t.ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(create, get, update, remove, same("mappings", len(out.EventSourceMappings), 0))
}
