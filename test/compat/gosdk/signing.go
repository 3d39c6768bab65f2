package main

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (t *tour) getSigning() (*lambda.GetCodeSigningConfigOutput, error) {
	return t.aws.GetCodeSigningConfig(t.ctx, &lambda.GetCodeSigningConfigInput{CodeSigningConfigArn: t.signing})
}

func (t *tour) deleteSigning() error {
	_, err := t.aws.DeleteCodeSigningConfig(t.ctx, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: t.signing})
	return err
}

func (t *tour) codeSigning() error {
	made, err := t.aws.CreateCodeSigningConfig(t.ctx, &lambda.CreateCodeSigningConfigInput{AllowedPublishers: &types.AllowedPublishers{
		SigningProfileVersionArns: []string{"arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"},
	}})
	if err != nil {
		return err
	}
	t.signing = made.CodeSigningConfig.CodeSigningConfigArn
	read, err := t.getSigning()
	if err != nil {
		return err
	}
	listed, err := t.aws.ListCodeSigningConfigs(t.ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(
		same("the policy", read.CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment, types.CodeSigningPolicyWarn),
		same("configurations", len(listed.CodeSigningConfigs), 1),
		t.attachSigning(),
		t.enforceSigning(),
	)
}

func (t *tour) attachSigning() error {
	_, err := t.aws.PutFunctionCodeSigningConfig(t.ctx, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: name, CodeSigningConfigArn: t.signing})
	if err != nil {
		return err
	}
	attached, err := t.aws.GetFunctionCodeSigningConfig(t.ctx, &lambda.GetFunctionCodeSigningConfigInput{FunctionName: name})
	if err != nil {
		return err
	}
	functions, err := t.aws.ListFunctionsByCodeSigningConfig(t.ctx, &lambda.ListFunctionsByCodeSigningConfigInput{CodeSigningConfigArn: t.signing})
	if err != nil {
		return err
	}
	return errors.Join(
		same("attached", aws.ToString(attached.CodeSigningConfigArn), aws.ToString(t.signing)),
		same("functions", functions.FunctionArns, []string{t.arn}),
	)
}

func (t *tour) enforceSigning() error {
	_, err := t.aws.UpdateCodeSigningConfig(t.ctx, &lambda.UpdateCodeSigningConfigInput{
		CodeSigningConfigArn: t.signing, CodeSigningPolicies: &types.CodeSigningPolicies{UntrustedArtifactOnDeployment: types.CodeSigningPolicyEnforce},
	})
	if err != nil {
		return err
	}
	unsigned := refused[*types.CodeVerificationFailedException](t, func() error {
		_, err := t.aws.UpdateFunctionCode(t.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: t.two})
		return err
	})
	used := refused[*types.ResourceConflictException](t, t.deleteSigning)
	_, err = t.aws.DeleteFunctionCodeSigningConfig(t.ctx, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: name})
	return errors.Join(unsigned, used, err)
}

// otherTags are those of the code signing configuration, which is then deleted.
func (t *tour) otherTags() error {
	_, err := t.aws.TagResource(t.ctx, &lambda.TagResourceInput{Resource: t.signing, Tags: map[string]string{"team": "ice", "owner": "me"}})
	if err != nil {
		return err
	}
	if _, err := t.aws.UntagResource(t.ctx, &lambda.UntagResourceInput{Resource: t.signing, TagKeys: []string{"team"}}); err != nil {
		return err
	}
	out, err := t.aws.ListTags(t.ctx, &lambda.ListTagsInput{Resource: t.signing})
	if err != nil {
		return err
	}
	return errors.Join(
		same("tags", out.Tags, map[string]string{"owner": "me"}),
		refused[*types.InvalidParameterValueException](t, func() error {
			_, err := t.aws.ListTags(t.ctx, &lambda.ListTagsInput{Resource: aws.String(t.arn + ":1")})
			return err
		}),
		t.deleteSigning(),
		refused[*types.ResourceNotFoundException](t, func() error {
			_, err := t.getSigning()
			return err
		}),
	)
}
