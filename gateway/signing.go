package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/signing"
)

// signingConfig is how the API shows a code signing configuration of the caller's account.
func (c *call) signingConfig(v *signing.Config) api.CodeSigningConfig {
	return api.CodeSigningConfig{
		CodeSigningConfigId:  v.ID,
		CodeSigningConfigArn: c.signing.ARN(c.caller.AccountID, v.ID),
		Description:          v.Description,
		AllowedPublishers:    api.AllowedPublishers{SigningProfileVersionArns: v.Publishers},
		CodeSigningPolicies:  api.CodeSigningPolicies{UntrustedArtifactOnDeployment: &v.Policy},
		LastModified:         api.FormatTimestamp(v.Modified),
	}
}

// signingInput is what a request sets.
func signingInput(r *api.CodeSigningConfigRequest) signing.Input {
	in := signing.Input{Description: r.Description, Tags: r.Tags}
	if r.AllowedPublishers != nil {
		in.Publishers = r.AllowedPublishers.SigningProfileVersionArns
	}
	if r.CodeSigningPolicies != nil {
		in.Policy = r.CodeSigningPolicies.UntrustedArtifactOnDeployment
	}
	return in
}

var signingHandlers = map[string]handler{
	"CreateCodeSigningConfig":          {(*call).createCodeSigningConfig, smallBody},
	"GetCodeSigningConfig":             {(*call).getCodeSigningConfig, smallBody},
	"UpdateCodeSigningConfig":          {(*call).updateCodeSigningConfig, smallBody},
	"DeleteCodeSigningConfig":          {(*call).deleteCodeSigningConfig, smallBody},
	"ListCodeSigningConfigs":           {(*call).listCodeSigningConfigs, smallBody},
	"ListFunctionsByCodeSigningConfig": {(*call).listFunctionsByCodeSigningConfig, smallBody},
	"GetFunctionCodeSigningConfig":     {(*call).getFunctionCodeSigningConfig, smallBody},
	"PutFunctionCodeSigningConfig":     {(*call).putFunctionCodeSigningConfig, smallBody},
	"DeleteFunctionCodeSigningConfig":  {(*call).deleteFunctionCodeSigningConfig, smallBody},
}
