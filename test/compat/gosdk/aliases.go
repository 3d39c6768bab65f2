package main

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

var live = aws.String("live")

func (t *tour) aliases() error {
	alias, err := t.aws.CreateAlias(t.ctx, &lambda.CreateAliasInput{FunctionName: name, Name: live, FunctionVersion: aws.String("1")})
	if err != nil {
		return err
	}
	out, r, err := t.call(`{}`, func(in *lambda.InvokeInput) { in.Qualifier = live })
	if err != nil {
		return err
	}
	shown, err := t.aws.GetFunctionConfiguration(t.ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name, Qualifier: live})
	if err != nil {
		return err
	}
	return errors.Join(
		same("ARN", aws.ToString(alias.AliasArn), t.arn+":live"),
		same("routing", alias.RoutingConfig == nil, true),
		same("the version that ran", aws.ToString(out.ExecutedVersion), "1"),
		same("its code", r.Version, 2),
		same("the ARN in the context", r.ARN, t.arn+":live"),
		same("the function's ARN", aws.ToString(shown.FunctionArn), t.arn+":live"),
		same("its version", aws.ToString(shown.Version), "1"),
		t.aliasRefusals(),
		t.splitAlias(alias.RevisionId),
		t.listAliases(),
		t.provisionAlias(),
		t.deleteAlias(),
	)
}

func (t *tour) aliasRefusals() error {
	create := func(alias, version string) func() error {
		return func() error {
			_, err := t.aws.CreateAlias(t.ctx, &lambda.CreateAliasInput{FunctionName: name, Name: &alias, FunctionVersion: &version})
			return err
		}
	}
	return errors.Join(
		refused[*types.ResourceConflictException](t, create("live", "1")),
		refused[*types.ResourceNotFoundException](t, create("nope", "9")),
		refusedAs(t, "ValidationException", create("1", "1")),
		refused[*types.ResourceNotFoundException](t, t.getAlias("nope")),
		refused[*types.ResourceConflictException](t, func() error {
			_, err := t.aws.DeleteFunction(t.ctx, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: aws.String("1")})
			return err
		}),
	)
}

func (t *tour) getAlias(alias string) func() error {
	return func() error {
		_, err := t.aws.GetAlias(t.ctx, &lambda.GetAliasInput{FunctionName: name, Name: &alias})
		return err
	}
}

// splitAlias sends half of the invocations to version 3 and counts.
func (t *tour) splitAlias(revision *string) error {
	split := lambda.UpdateAliasInput{
		FunctionName: name, Name: live, RevisionId: revision,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"3": 0.5}},
	}
	changed, err := t.aws.UpdateAlias(t.ctx, &split)
	if err != nil {
		return err
	}
	ran := map[string]int{}
	for range 100 {
		out, r, err := t.call(`{}`, func(in *lambda.InvokeInput) { in.Qualifier = live })
		if err != nil {
			return err
		}
		version := aws.ToString(out.ExecutedVersion)
		if err := same("the code of version "+version, r.Version, map[string]int{"1": 2, "3": 1}[version]); err != nil {
			return err
		}
		ran[version]++
	}
	one, err := t.aws.UpdateAlias(t.ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: live, RoutingConfig: &types.AliasRoutingConfiguration{}})
	if err != nil {
		return err
	}
	return errors.Join(
		same("weights", changed.RoutingConfig.AdditionalVersionWeights, map[string]float64{"3": 0.5}),
		same("both get about half", min(ran["1"], ran["3"]) >= 20, true), // six standard deviations
		same("routing", one.RoutingConfig == nil, true),
		refused[*types.PreconditionFailedException](t, func() error {
			_, err := t.aws.UpdateAlias(t.ctx, &split)
			return err
		}),
	)
}

func (t *tour) listAliases() error {
	if _, err := t.aws.CreateAlias(t.ctx, &lambda.CreateAliasInput{FunctionName: name, Name: aws.String("next"), FunctionVersion: aws.String("$LATEST")}); err != nil {
		return err
	}
	names := func(version *string) (all []string, err error) {
		for p := lambda.NewListAliasesPaginator(t.aws, &lambda.ListAliasesInput{FunctionName: name, FunctionVersion: version, MaxItems: aws.Int32(1)}); p.HasMorePages(); {
			page, err := p.NextPage(t.ctx)
			if err != nil {
				return nil, err
			}
			for _, a := range page.Aliases {
				all = append(all, *a.Name)
			}
		}
		return all, nil
	}
	all, err := names(nil)
	if err != nil {
		return err
	}
	some, err := names(aws.String("1"))
	return errors.Join(err, same("aliases", all, []string{"live", "next"}), same("aliases of version 1", some, []string{"live"}))
}

// provisionAlias gives the alias provisioned concurrency, which follows it to version 3.
func (t *tour) provisionAlias() error {
	if _, err := t.provision("live"); err != nil {
		return err
	}
	if err := refused[*types.ResourceConflictException](t, func() error {
		_, err := t.provision("1")
		return err
	}); err != nil {
		return err
	}
	if _, err := t.aws.UpdateAlias(t.ctx, &lambda.UpdateAliasInput{FunctionName: name, Name: live, FunctionVersion: aws.String("3")}); err != nil {
		return err
	}
	status := types.ProvisionedConcurrencyStatusEnumInProgress
	for deadline := time.Now().Add(30 * time.Second); status == types.ProvisionedConcurrencyStatusEnumInProgress && time.Now().Before(deadline); {
		now, err := t.aws.GetProvisionedConcurrencyConfig(t.ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: live})
		if err != nil {
			return err
		}
		status = now.Status
	}
	out, r, err := t.call(`{}`, func(in *lambda.InvokeInput) { in.Qualifier = live })
	if err != nil {
		return err
	}
	list, err := t.aws.ListProvisionedConcurrencyConfigs(t.ctx, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: name})
	if err != nil {
		return err
	}
	if err := errors.Join(
		same("status", status, types.ProvisionedConcurrencyStatusEnumReady),
		same("the version that ran", aws.ToString(out.ExecutedVersion), "3"),
		same("its code", r.Version, 1),
		same("length of the list", len(list.ProvisionedConcurrencyConfigs), 1),
	); err != nil {
		return err
	}
	_, err = t.aws.DeleteProvisionedConcurrencyConfig(t.ctx, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: live})
	return errors.Join(err, same("ARN", *list.ProvisionedConcurrencyConfigs[0].FunctionArn, t.arn+":live"))
}

func (t *tour) deleteAlias() error {
	_, err := t.aws.DeleteAlias(t.ctx, &lambda.DeleteAliasInput{FunctionName: name, Name: live})
	return errors.Join(err, refused[*types.ResourceNotFoundException](t, t.getAlias("live")))
}
