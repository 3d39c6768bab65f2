package iam

import (
	"encoding/json"
	"time"
)

// managedSource are the policies that AWS manages and deploy tools attach, with the actions they allow on everything.
// Source: AWS managed policy reference. Actions of services that do not exist here are left out where a pattern of
// another service says enough.
var managedSource = []struct {
	path, name string
	actions    []string
}{
	{"/", "AdministratorAccess", []string{"*"}},
	{"/", "AWSLambda_FullAccess", []string{"lambda:*", "logs:*", "cloudwatch:*", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole",
		"iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles", "iam:PassRole", "tag:GetResources", "xray:GetTraceSummaries", "xray:BatchGetTraces"}},
	{"/", "AWSLambda_ReadOnlyAccess", []string{"lambda:Get*", "lambda:List*", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents",
		"iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:ListRoles"}},
	{"/", "AWSLambdaExecute", []string{"logs:*", "s3:GetObject", "s3:PutObject"}},
	{"/", "AWSLambdaInvocation-DynamoDB", []string{"lambda:InvokeFunction", "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}},
	{"/", "AWSXRayDaemonWriteAccess", xrayWrite},
	{"/", "AWSXrayWriteOnlyAccess", xrayWrite},
	{"/", "AmazonDynamoDBFullAccess", []string{"dynamodb:*"}},
	{"/", "AmazonDynamoDBReadOnlyAccess", []string{"dynamodb:BatchGetItem", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:Query", "dynamodb:Scan"}},
	{"/", "AmazonEventBridgeFullAccess", []string{"events:*", "schemas:*", "scheduler:*", "pipes:*"}},
	{"/", "AmazonS3FullAccess", []string{"s3:*", "s3-object-lambda:*"}},
	{"/", "AmazonS3ReadOnlyAccess", []string{"s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*", "s3-object-lambda:List*"}},
	{"/", "AmazonSNSFullAccess", []string{"sns:*"}},
	{"/", "AmazonSQSFullAccess", []string{"sqs:*"}},
	{"/", "AmazonSSMReadOnlyAccess", []string{"ssm:Describe*", "ssm:Get*", "ssm:List*"}},
	{"/", "CloudWatchFullAccess", []string{"cloudwatch:*", "logs:*", "autoscaling:Describe*", "sns:*"}},
	{"/", "CloudWatchLambdaInsightsExecutionRolePolicy", logsWrite},
	{"/", "CloudWatchLogsFullAccess", []string{"logs:*"}},
	{"/", "CloudWatchLogsReadOnlyAccess", []string{"logs:Describe*", "logs:Get*", "logs:List*", "logs:StartQuery", "logs:StopQuery", "logs:TestMetricFilter", "logs:FilterLogEvents", "logs:StartLiveTail", "logs:StopLiveTail"}},
	{"/", "IAMFullAccess", []string{"iam:*"}},
	{"/", "IAMReadOnlyAccess", []string{"iam:Get*", "iam:List*", "iam:Simulate*"}},
	{"/", "ReadOnlyAccess", []string{"lambda:Get*", "lambda:List*", "logs:Describe*", "logs:Get*", "logs:List*", "logs:FilterLogEvents", "iam:Get*", "iam:List*", "sts:GetCallerIdentity", "s3:Get*", "s3:List*"}},
	{"/", "SecretsManagerReadWrite", []string{"secretsmanager:*", "kms:DescribeKey", "kms:ListAliases", "kms:ListKeys"}},
	{"/service-role/", "AWSLambdaBasicExecutionRole", logsWrite},
	{"/service-role/", "AWSLambdaBasicDurableExecutionRolePolicy", with(logsWrite, "lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState")},
	{"/service-role/", "AWSLambdaDynamoDBExecutionRole", with(logsWrite, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")},
	{"/service-role/", "AWSLambdaENIManagementAccess", networkWrite},
	{"/service-role/", "AWSLambdaKinesisExecutionRole", with(logsWrite, "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards", "kinesis:ListStreams", "kinesis:SubscribeToShard")},
	{"/service-role/", "AWSLambdaMSKExecutionRole", with(logsWrite, "kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DeleteNetworkInterface", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups")},
	{"/service-role/", "AWSLambdaRole", []string{"lambda:InvokeFunction"}},
	{"/service-role/", "AWSLambdaSQSQueueExecutionRole", with(logsWrite, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")},
	{"/service-role/", "AWSLambdaVPCAccessExecutionRole", with(logsWrite, networkWrite...)},
}

var (
	logsWrite    = []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	xrayWrite    = []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"}
	networkWrite = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}
)

func with(list []string, more ...string) []string {
	return append(append([]string{}, list...), more...)
}

// managed has the policies that AWS manages by their ARNs; managedList has them sorted by ARN. Neither changes.
var managed, managedList = makeManaged()

func makeManaged() (map[string]*Policy, []Policy) {
	all, list := map[string]*Policy{}, make([]Policy, 0, len(managedSource))
	at := time.Date(2015, 4, 9, 0, 0, 0, 0, time.UTC) // somewhen before anybody's first function
	for _, s := range managedSource {
		document, err := json.Marshal(map[string]any{
			"Version":   "2012-10-17",
			"Statement": []any{map[string]any{"Effect": "Allow", "Action": s.actions, "Resource": "*"}},
		})
		if err != nil {
			panic(err) // only strings
		}
		list = append(list, Policy{
			Name: s.name, Path: s.path, ARN: "arn:aws:iam::aws:policy" + s.path + s.name, ID: unknownID("ANPA", s.name),
			Versions: []Version{{"v1", string(document), at}}, Default: "v1", Last: 1, Created: at, Updated: at,
		})
		all[list[len(list)-1].ARN] = &list[len(list)-1]
	}
	return all, list
}
