package accounts_test

// Packages that hold a program for provided.al2023 and are not alike, in base64. The engine runs neither.
const (
	zipOne = "{zip1}"
	zipTwo = "{zip2}"
)

// lambdaRequests are the operations of Lambda.
var lambdaRequests = []request{
	{op: "CreateFunction", other: itsOwn, body: `{"FunctionName":"f","Role":"arn:aws:iam::{account}:role/r","Runtime":"provided.al2023","Handler":"h","Code":{"ZipFile":"` + zipOne + `"}}`},
	{op: "UpdateFunctionCode", labels: f, body: `{"ZipFile":"` + zipTwo + `"}`},
	{op: "UpdateFunctionConfiguration", labels: f, body: `{"Description":"of {account}"}`},
	{op: "GetFunction", labels: f, reads: true},
	{op: "GetFunctionConfiguration", labels: f, reads: true},
	{op: "ListFunctions", other: none, reads: true},
	{op: "PublishVersion", labels: f, body: `{}`},
	{op: "ListVersionsByFunction", labels: f, reads: true},
	{op: "GetAccountSettings", other: none, reads: true},
	{op: "Invoke", labels: f, body: `{"of":"{account}"}`},
	{op: "Invoke", labels: f, body: `{"of":"{account}"}`, header: "X-Amz-Invocation-Type: Event", status: 202},
	{op: "Invoke", labels: f, body: `{}`, header: "X-Amz-Invocation-Type: DryRun", status: 204},
	{op: "InvokeWithResponseStream", labels: f, body: `{"of":"{account}"}`},
	{op: "InvokeAsync", labels: f, body: `{"of":"{account}"}`},

	{op: "CreateAlias", labels: f, body: `{"Name":"live","FunctionVersion":"1"}`},
	{op: "UpdateAlias", labels: []string{"f", "live"}, body: `{"Description":"of {account}"}`},
	{op: "GetAlias", labels: []string{"f", "live"}, reads: true},
	{op: "ListAliases", labels: f, reads: true},
	{op: "AddPermission", labels: f, body: `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`},
	{op: "GetPolicy", labels: f, reads: true},
	{op: "PutResourcePolicy", labels: []string{"{arn}:1"}, other: denied,
		body: `{"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"{arn}:1\"}]}"}`},
	{op: "GetResourcePolicy", labels: []string{"{arn}:1"}, other: denied, reads: true},
	{op: "TagResource", labels: []string{"{arn}"}, other: denied, body: `{"Tags":{"of":"{account}","by":"{account}"}}`},
	{op: "UntagResource", labels: []string{"{arn}"}, query: "tagKeys=by", other: denied},
	{op: "ListTags", labels: []string{"{arn}"}, other: denied, reads: true},
	{op: "PutFunctionConcurrency", labels: f, body: `{"ReservedConcurrentExecutions":5}`},
	{op: "GetFunctionConcurrency", labels: f, reads: true},
	{op: "PutProvisionedConcurrencyConfig", labels: f, query: "Qualifier=live", body: `{"ProvisionedConcurrentExecutions":1}`},
	{op: "GetProvisionedConcurrencyConfig", labels: f, query: "Qualifier=live", reads: true},
	{op: "ListProvisionedConcurrencyConfigs", labels: f, reads: true},

	{op: "CreateFunctionUrlConfig", labels: f, body: `{"AuthType":"AWS_IAM"}`, keep: [2]string{"url", "FunctionUrl"}},
	{op: "UpdateFunctionUrlConfig", labels: f, body: `{"InvokeMode":"BUFFERED"}`},
	{op: "GetFunctionUrlConfig", labels: f, reads: true},
	{op: "ListFunctionUrlConfigs", labels: f, reads: true},
	{op: "PutFunctionEventInvokeConfig", labels: f, body: `{"MaximumRetryAttempts":1}`},
	{op: "UpdateFunctionEventInvokeConfig", labels: f, body: `{"MaximumEventAgeInSeconds":60}`},
	{op: "GetFunctionEventInvokeConfig", labels: f, reads: true},
	{op: "ListFunctionEventInvokeConfigs", labels: f, reads: true},
	{op: "PutFunctionRecursionConfig", labels: f, body: `{"RecursiveLoop":"Allow"}`},
	{op: "GetFunctionRecursionConfig", labels: f, reads: true},
	{op: "PutRuntimeManagementConfig", labels: f, body: `{"UpdateRuntimeOn":"FunctionUpdate"}`},
	{op: "GetRuntimeManagementConfig", labels: f, reads: true},

	// Nothing polls in this server: what is created is refused, and one mapping was there before it started.
	{op: "CreateEventSourceMapping", other: notFound, status: 400, body: `{"FunctionName":"f","EventSourceArn":"arn:aws:sqs:us-east-1:{account}:new"}`},
	{op: "CreateEventSourceMapping", other: denied, status: 400, body: `{"FunctionName":"{arn}","EventSourceArn":"arn:aws:sqs:us-east-1:{account}:new"}`},
	{op: "UpdateEventSourceMapping", labels: []string{"{mapping}"}, body: `{"BatchSize":3}`},
	{op: "GetEventSourceMapping", labels: []string{"{mapping}"}, reads: true},
	{op: "ListEventSourceMappings", other: none, reads: true},

	{op: "PublishLayerVersion", labels: l, other: itsOwn, named: denied, body: `{"Content":{"ZipFile":"` + zipOne + `"}}`, keep: [2]string{"layer", "LayerVersionArn"}},
	{op: "GetLayerVersion", labels: []string{"l", "1"}, reads: true},
	{op: "GetLayerVersionByArn", query: "Arn={layer}&find=LayerVersion", other: denied, reads: true},
	{op: "ListLayers", other: none, reads: true},
	{op: "ListLayerVersions", labels: l, other: none, reads: true},
	{op: "AddLayerVersionPermission", labels: []string{"l", "1"}, body: `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"333333333333"}`},
	{op: "GetLayerVersionPolicy", labels: []string{"l", "1"}, reads: true},

	{op: "CreateCodeSigningConfig", other: itsOwn, body: `{"AllowedPublishers":{"SigningProfileVersionArns":["arn:aws:signer:us-east-1:{account}:/signing-profiles/p/12345678ab"]}}`,
		keep: [2]string{"signing", "CodeSigningConfig/CodeSigningConfigArn"}},
	{op: "UpdateCodeSigningConfig", labels: []string{"{signing}"}, body: `{"Description":"of {account}"}`},
	{op: "GetCodeSigningConfig", labels: []string{"{signing}"}, reads: true},
	{op: "ListCodeSigningConfigs", other: none, reads: true},
	{op: "PutFunctionCodeSigningConfig", labels: f, body: `{"CodeSigningConfigArn":"{signing}"}`},
	{op: "GetFunctionCodeSigningConfig", labels: f, reads: true},
	{op: "ListFunctionsByCodeSigningConfig", labels: []string{"{signing}"}, reads: true},

	// A durable function whose execution ends at once: the engine answers nothing that one may. What needs a running one is refused.
	{op: "CreateFunction", other: itsOwn, body: `{"FunctionName":"d","DurableConfig":{"ExecutionTimeout":60},"Role":"arn:aws:iam::{account}:role/r","Runtime":"provided.al2023","Handler":"h","Code":{"ZipFile":"` + zipOne + `"}}`},
	{op: "PublishVersion", labels: d, body: `{}`},
	{op: "Invoke", labels: d, query: "Qualifier=1", body: `{"of":"{account}"}`, header: "X-Amz-Durable-Execution-Name: e"},
	{op: "ListDurableExecutionsByFunction", labels: d, query: "Qualifier=1", reads: true, keep: [2]string{"execution", "DurableExecutions/0/DurableExecutionArn"}},
	{op: "GetDurableExecution", labels: execution, other: denied, reads: true},
	{op: "GetDurableExecutionHistory", labels: execution, other: denied, reads: true},
	{op: "GetDurableExecutionState", labels: execution, query: "CheckpointToken=dG9rZW4%3D", other: denied, status: 400},
	{op: "CheckpointDurableExecution", labels: execution, body: `{"CheckpointToken":"dG9rZW4="}`, other: denied, status: 400},
	{op: "StopDurableExecution", labels: execution, other: denied},
	{op: "SendDurableExecutionCallbackSuccess", labels: callback, body: `1`, status: 404},
	{op: "SendDurableExecutionCallbackFailure", labels: callback, body: `{}`, status: 404},
	{op: "SendDurableExecutionCallbackHeartbeat", labels: callback, status: 404},

	{op: "DeleteFunction", labels: d, last: true},
	{op: "DeleteFunctionCodeSigningConfig", labels: f, last: true},
	{op: "DeleteCodeSigningConfig", labels: []string{"{signing}"}, last: true},
	{op: "RemoveLayerVersionPermission", labels: []string{"l", "1", "s"}, last: true},
	{op: "DeleteLayerVersion", labels: []string{"l", "1"}, other: none, last: true}, // also of what is not there
	{op: "DeleteEventSourceMapping", labels: []string{"{mapping}"}, last: true},
	{op: "DeleteFunctionEventInvokeConfig", labels: f, last: true},
	{op: "DeleteFunctionUrlConfig", labels: f, last: true},
	{op: "DeleteProvisionedConcurrencyConfig", labels: f, query: "Qualifier=live", last: true},
	{op: "DeleteFunctionConcurrency", labels: f, last: true},
	{op: "DeleteResourcePolicy", labels: []string{"{arn}:1"}, other: denied, last: true},
	{op: "RemovePermission", labels: []string{"f", "s"}, last: true},
	{op: "DeleteAlias", labels: []string{"f", "live"}, last: true},
	{op: "DeleteFunction", labels: f, last: true},
}

// Labels: functions, a layer, an execution, and a callback of none.
var f, d, l, execution, callback = []string{"f"}, []string{"d"}, []string{"l"}, []string{"{execution}"}, []string{"Y2FsbGJhY2tz"}

// uses are requests of another account about its own function that use what is the first one's, whose names are in braces.
var uses = []request{
	{op: "UpdateFunctionConfiguration", labels: f, body: `{"Layers":["{layer}"]}`, other: denied},
	{op: "CreateFunction", other: denied,
		body: `{"FunctionName":"g","Role":"arn:aws:iam::222222222222:role/r","Runtime":"provided.al2023","Handler":"h","Layers":["{layer}"],"Code":{"ZipFile":"` + zipOne + `"}}`},
	{op: "CreateFunction", other: "404 CodeSigningConfigNotFoundException",
		body: `{"FunctionName":"g","Role":"arn:aws:iam::222222222222:role/r","Runtime":"provided.al2023","Handler":"h","CodeSigningConfigArn":"{signing}","Code":{"ZipFile":"` + zipOne + `"}}`},
	{op: "PutFunctionCodeSigningConfig", labels: f, body: `{"CodeSigningConfigArn":"{signing}"}`, other: "404 CodeSigningConfigNotFoundException"},
	{op: "PutFunctionEventInvokeConfig", labels: f, body: `{"DestinationConfig":{"OnSuccess":{"Destination":"{arn}"}}}`, other: "400 InvalidParameterValueException"},
	{op: "CreateAlias", labels: f, body: `{"Name":"theirs","FunctionVersion":"{arn}:1"}`, other: "400 ValidationException"},
	{op: "UpdateEventSourceMapping", labels: []string{"{own mapping}"}, body: `{"FunctionName":"{arn}"}`, other: denied},
}
