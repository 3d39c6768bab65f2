package api

// Operation is one operation of the Lambda API: how it is addressed and what a success answers.
type Operation struct {
	Name   string // as SDKs name it, e.g. "GetFunction"
	Method string // HTTP method
	// Path is the pattern: whole segments in braces are labels. A final slash is also accepted.
	Path string
	// Query is a "key=value" pair that tells this operation from another with the same method and path; mostly "".
	Query  string
	Status int // HTTP status of a success
	// Tier is how much users need it: 1 to deploy and invoke, 2 common, 3 rare.
	Tier int
}

// Operations is every operation of the Lambda API as of November 2026, 88 of them. Do not modify.
// Source: bindings of the public Lambda service model (AWS SDK for Go v2, service/lambda v1.114.3). DeleteFunction
// is modelled with 200 and a status member; the service answers 204.
var Operations = []Operation{
	// Functions.
	{"CreateFunction", "POST", "/2015-03-31/functions", "", 201, 1},
	{"GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", "", 200, 1},
	{"GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", "", 200, 1},
	{"UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", "", 200, 1},
	{"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", "", 200, 1},
	{"DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", "", 204, 1},
	{"ListFunctions", "GET", "/2015-03-31/functions", "", 200, 1},
	{"PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", "", 201, 1},
	{"ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", "", 200, 1},
	{"GetAccountSettings", "GET", "/2016-08-19/account-settings", "", 200, 2},
	// Invoke.
	{"Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations", "", 200, 1},
	{"InvokeWithResponseStream", "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", "", 200, 1},
	{"InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", "", 202, 3},
	// Aliases.
	{"CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", "", 201, 1},
	{"GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "", 200, 1},
	{"UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "", 200, 1},
	{"DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", "", 204, 1},
	{"ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", "", 200, 1},
	// Permissions, policies, tags.
	{"AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", "", 201, 1},
	{"RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", "", 204, 1},
	{"GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", "", 200, 1},
	{"PutResourcePolicy", "PUT", "/2026-07-09/resource-policy/{ResourceArn}", "", 200, 2},
	{"GetResourcePolicy", "GET", "/2026-07-09/resource-policy/{ResourceArn}", "", 200, 2},
	{"DeleteResourcePolicy", "DELETE", "/2026-07-09/resource-policy/{ResourceArn}", "", 204, 2},
	{"TagResource", "POST", "/2017-03-31/tags/{Resource}", "", 204, 1},
	{"UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", "", 204, 1},
	{"ListTags", "GET", "/2017-03-31/tags/{Resource}", "", 200, 1},
	// Concurrency.
	{"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", "", 200, 1},
	{"GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", "", 200, 1},
	{"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", "", 204, 1},
	{"PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "", 202, 2},
	{"GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "", 200, 2},
	{"DeleteProvisionedConcurrencyConfig", "DELETE", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "", 204, 2},
	{"ListProvisionedConcurrencyConfigs", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", "List=ALL", 200, 2},
	{"PutFunctionScalingConfig", "PUT", "/2025-11-30/functions/{FunctionName}/function-scaling-config", "", 202, 3},
	{"GetFunctionScalingConfig", "GET", "/2025-11-30/functions/{FunctionName}/function-scaling-config", "", 200, 3},
	// Function URLs.
	{"CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", "", 201, 1},
	{"GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", "", 200, 1},
	{"UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", "", 200, 1},
	{"DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", "", 204, 1},
	{"ListFunctionUrlConfigs", "GET", "/2021-10-31/functions/{FunctionName}/urls", "", 200, 2},
	// Event source mappings, asynchronous invocation.
	{"CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", "", 202, 1},
	{"GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", "", 200, 1},
	{"UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", "", 202, 1},
	{"DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", "", 202, 1},
	{"ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", "", 200, 1},
	{"PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "", 200, 1},
	{"UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "", 200, 1},
	{"GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "", 200, 1},
	{"DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", "", 204, 1},
	{"ListFunctionEventInvokeConfigs", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", "", 200, 2},
	// Layers.
	{"PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", "", 201, 1},
	{"GetLayerVersion", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "", 200, 1},
	{"DeleteLayerVersion", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}", "", 204, 1},
	{"GetLayerVersionByArn", "GET", "/2018-10-31/layers", "find=LayerVersion", 200, 2},
	{"ListLayers", "GET", "/2018-10-31/layers", "", 200, 2},
	{"ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", "", 200, 2},
	{"AddLayerVersionPermission", "POST", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", "", 201, 2},
	{"GetLayerVersionPolicy", "GET", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy", "", 200, 2},
	{"RemoveLayerVersionPermission", "DELETE", "/2018-10-31/layers/{LayerName}/versions/{VersionNumber}/policy/{StatementId}", "", 204, 2},
	// Settings of one function.
	{"GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", "", 200, 1},
	{"PutFunctionCodeSigningConfig", "PUT", "/2020-06-30/functions/{FunctionName}/code-signing-config", "", 200, 3},
	{"DeleteFunctionCodeSigningConfig", "DELETE", "/2020-06-30/functions/{FunctionName}/code-signing-config", "", 204, 3},
	{"PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "", 200, 2},
	{"GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", "", 200, 2},
	{"PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", "", 200, 2},
	{"GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", "", 200, 2},
	// Code signing.
	{"CreateCodeSigningConfig", "POST", "/2020-04-22/code-signing-configs", "", 201, 3},
	{"ListCodeSigningConfigs", "GET", "/2020-04-22/code-signing-configs", "", 200, 3},
	{"GetCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "", 200, 3},
	{"UpdateCodeSigningConfig", "PUT", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "", 200, 3},
	{"DeleteCodeSigningConfig", "DELETE", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}", "", 204, 3},
	{"ListFunctionsByCodeSigningConfig", "GET", "/2020-04-22/code-signing-configs/{CodeSigningConfigArn}/functions", "", 200, 3},
	// Durable executions.
	{"CheckpointDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/checkpoint", "", 200, 2},
	{"GetDurableExecutionState", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/state", "", 200, 2},
	{"GetDurableExecution", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}", "", 200, 2},
	{"GetDurableExecutionHistory", "GET", "/2025-12-01/durable-executions/{DurableExecutionArn}/history", "", 200, 2},
	{"ListDurableExecutionsByFunction", "GET", "/2025-12-01/functions/{FunctionName}/durable-executions", "", 200, 2},
	{"StopDurableExecution", "POST", "/2025-12-01/durable-executions/{DurableExecutionArn}/stop", "", 200, 2},
	{"SendDurableExecutionCallbackSuccess", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/succeed", "", 200, 2},
	{"SendDurableExecutionCallbackFailure", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/fail", "", 200, 2},
	{"SendDurableExecutionCallbackHeartbeat", "POST", "/2025-12-01/durable-execution-callbacks/{CallbackId}/heartbeat", "", 200, 2},
	// Capacity providers.
	{"CreateCapacityProvider", "POST", "/2025-11-30/capacity-providers", "", 202, 3},
	{"ListCapacityProviders", "GET", "/2025-11-30/capacity-providers", "", 200, 3},
	{"GetCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}", "", 200, 3},
	{"UpdateCapacityProvider", "PUT", "/2025-11-30/capacity-providers/{CapacityProviderName}", "", 202, 3},
	{"DeleteCapacityProvider", "DELETE", "/2025-11-30/capacity-providers/{CapacityProviderName}", "", 202, 3},
	{"ListFunctionVersionsByCapacityProvider", "GET", "/2025-11-30/capacity-providers/{CapacityProviderName}/function-versions", "", 200, 3},
}
