package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// permit gives a permission on the function of the tour.
func (t *tour) permit(id, action, principal string, change func(*lambda.AddPermissionInput)) (*lambda.AddPermissionOutput, error) {
	in := lambda.AddPermissionInput{FunctionName: name, StatementId: &id, Action: &action, Principal: &principal}
	change(&in)
	return t.aws.AddPermission(t.ctx, &in)
}

func (t *tour) unpermit(id string, revision *string) error {
	_, err := t.aws.RemovePermission(t.ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: &id, RevisionId: revision})
	return err
}

// statements are those of a policy.
func statements(policy *string) ([]any, error) {
	var document struct{ Statement []any }
	err := json.Unmarshal([]byte(aws.ToString(policy)), &document)
	return document.Statement, err
}

func (t *tour) permissions() error {
	bucket := func(in *lambda.AddPermissionInput) {
		in.SourceArn, in.SourceAccount = aws.String("arn:aws:s3:::bucket"), aws.String("000000000000")
	}
	out, err := t.permit("s3", "lambda:InvokeFunction", "s3.amazonaws.com", bucket)
	if err != nil {
		return err
	}
	var added map[string]any
	if err := json.Unmarshal([]byte(aws.ToString(out.Statement)), &added); err != nil {
		return err
	}
	policy, err := t.aws.GetPolicy(t.ctx, &lambda.GetPolicyInput{FunctionName: name})
	if err != nil {
		return err
	}
	shown, err := statements(policy.Policy)
	return errors.Join(
		err,
		same("the statement", added, map[string]any{
			"Sid": "s3", "Effect": "Allow", "Principal": map[string]any{"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": t.arn,
			"Condition": map[string]any{
				"StringEquals": map[string]any{"AWS:SourceAccount": "000000000000"}, "ArnLike": map[string]any{"AWS:SourceArn": "arn:aws:s3:::bucket"},
			},
		}),
		same("the policy", shown, []any{added}),
		refused[*types.ResourceConflictException](t, func() error {
			_, err := t.permit("s3", "lambda:InvokeFunction", "s3.amazonaws.com", bucket)
			return err
		}),
		refused[*types.PreconditionFailedException](t, func() error { return t.unpermit("s3", t.old) }),
		t.unpermit("s3", policy.RevisionId),
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.aws.GetPolicy(t.ctx, &lambda.GetPolicyInput{FunctionName: name})
			return err
		}),
		t.resourcePolicy(added),
	)
}

// resourcePolicy writes, reads and deletes a policy as a whole.
func (t *tour) resourcePolicy(statement map[string]any) error {
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if err != nil {
		return err
	}
	written, err := t.aws.PutResourcePolicy(t.ctx, &lambda.PutResourcePolicyInput{ResourceArn: &t.arn, Policy: aws.String(string(document))})
	if err != nil {
		return err
	}
	read, err := t.aws.GetResourcePolicy(t.ctx, &lambda.GetResourcePolicyInput{ResourceArn: &t.arn})
	if err != nil {
		return err
	}
	shown, err := statements(read.Policy)
	if err != nil {
		return err
	}
	_, err = t.aws.DeleteResourcePolicy(t.ctx, &lambda.DeleteResourcePolicyInput{ResourceArn: &t.arn, RevisionId: written.RevisionId})
	return errors.Join(
		err,
		same("the policy", shown, []any{statement}),
		same("revision", aws.ToString(read.RevisionId), aws.ToString(written.RevisionId)),
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.aws.GetResourcePolicy(t.ctx, &lambda.GetResourcePolicyInput{ResourceArn: &t.arn})
			return err
		}),
	)
}

// visit is a request to a function URL, whose name, being below localhost, need not resolve here.
func (t *tour) visit(address string) (status int, r result, path string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, r, "", err
	}
	req, err := http.NewRequestWithContext(t.ctx, http.MethodGet, os.Getenv("AWS_ENDPOINT_URL")+"/path", nil)
	if err != nil {
		return 0, r, "", err
	}
	req.Host = u.Host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, r, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	path, _ = r.Event["rawPath"].(string)
	return resp.StatusCode, r, path, err
}

// visited is an error unless a visit gets that status.
func (t *tour) visited(address string, want int) error {
	status, _, _, err := t.visit(address)
	return errors.Join(err, same("status of the visit", status, want))
}

func (t *tour) functionURL() error {
	create := func() (*lambda.CreateFunctionUrlConfigOutput, error) {
		return t.aws.CreateFunctionUrlConfig(t.ctx, &lambda.CreateFunctionUrlConfigInput{
			FunctionName: name, AuthType: types.FunctionUrlAuthTypeNone, Cors: &types.Cors{AllowOrigins: []string{"*"}},
		})
	}
	made, err := create()
	if err != nil {
		return err
	}
	address := aws.ToString(made.FunctionUrl)
	shown, err := t.aws.GetFunctionUrlConfig(t.ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: name})
	if err != nil {
		return err
	}
	listed, err := t.aws.ListFunctionUrlConfigs(t.ctx, &lambda.ListFunctionUrlConfigsInput{FunctionName: name})
	if err != nil {
		return err
	}
	return errors.Join(
		same("of", aws.ToString(made.FunctionArn), t.arn),
		same("the url", aws.ToString(shown.FunctionUrl), address),
		same("authorisation", shown.AuthType, types.FunctionUrlAuthTypeNone),
		same("origins", shown.Cors.AllowOrigins, []string{"*"}),
		same("urls", len(listed.FunctionUrlConfigs), 1),
		refused[*types.ResourceConflictException](t, func() error {
			_, err := create()
			return err
		}),
		t.visited(address, http.StatusForbidden),
		t.openURL(address),
		t.closeURL(address),
	)
}

// openURL lets everybody visit.
func (t *tour) openURL(address string) error {
	_, err := t.permit("url", "lambda:InvokeFunctionUrl", "*", func(in *lambda.AddPermissionInput) { in.FunctionUrlAuthType = types.FunctionUrlAuthTypeNone })
	if err != nil {
		return err
	}
	if _, err := t.permit("invoke", "lambda:InvokeFunction", "*", func(in *lambda.AddPermissionInput) { in.InvokedViaFunctionUrl = aws.Bool(true) }); err != nil {
		return err
	}
	status, r, path, err := t.visit(address)
	return errors.Join(err, same("the visit", []any{status, r.Version, path}, []any{http.StatusOK, 1, "/path"}))
}

func (t *tour) closeURL(address string) error {
	out, err := t.aws.UpdateFunctionUrlConfig(t.ctx, &lambda.UpdateFunctionUrlConfigInput{FunctionName: name, AuthType: types.FunctionUrlAuthTypeAwsIam})
	if err != nil {
		return err
	}
	forbidden := t.visited(address, http.StatusForbidden)
	if _, err := t.aws.DeleteFunctionUrlConfig(t.ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: name}); err != nil {
		return err
	}
	return errors.Join(
		same("authorisation", out.AuthType, types.FunctionUrlAuthTypeAwsIam),
		forbidden,
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.aws.GetFunctionUrlConfig(t.ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: name})
			return err
		}),
		t.unpermit("url", nil),
		t.unpermit("invoke", nil),
	)
}
