package accounts_test

// logsRequests are the operations of CloudWatch Logs.
var logsRequests = []request{
	{op: "CreateLogGroup", other: itsOwn, body: `{"logGroupName":"g"}`},
	{op: "CreateLogStream", body: `{"logGroupName":"g","logStreamName":"s"}`},
	{op: "PutLogEvents", body: `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":{now},"message":"of {account}"}]}`},
	{op: "PutRetentionPolicy", body: `{"logGroupName":"g","retentionInDays":7}`},
	{op: "TagResource", body: `{"resourceArn":"{group}","tags":{"of":"{account}"}}`},
	{op: "TagLogGroup", body: `{"logGroupName":"g","tags":{"of":"{account}"}}`},
	{op: "DescribeLogGroups", body: `{}`, other: none, reads: true},
	{op: "DescribeLogStreams", body: `{"logGroupName":"g"}`, reads: true},
	{op: "DescribeLogStreams", body: `{"logGroupIdentifier":"{group}"}`, reads: true},
	{op: "GetLogEvents", body: `{"logGroupName":"g","logStreamName":"s"}`, reads: true},
	{op: "GetLogEvents", body: `{"logGroupIdentifier":"{group}","logStreamName":"s"}`, reads: true},
	{op: "FilterLogEvents", body: `{"logGroupName":"g"}`, reads: true},
	{op: "FilterLogEvents", body: `{"logGroupIdentifier":"{group}"}`, reads: true},
	{op: "FilterLogEvents", body: `{"logGroupName":"/aws/lambda/f"}`, reads: true},
	{op: "ListTagsForResource", body: `{"resourceArn":"{group}"}`, reads: true},
	{op: "ListTagsLogGroup", body: `{"logGroupName":"g"}`, reads: true},
	{op: "StartLiveTail", body: `{"logGroupIdentifiers":["{group}"]}`},

	{op: "UntagResource", body: `{"resourceArn":"{group}","tagKeys":["of"]}`, last: true},
	{op: "UntagLogGroup", body: `{"logGroupName":"g","tags":["of"]}`, last: true},
	{op: "DeleteRetentionPolicy", body: `{"logGroupName":"g"}`, last: true},
	{op: "DeleteLogStream", body: `{"logGroupName":"g","logStreamName":"s"}`, last: true},
	{op: "DeleteLogGroup", body: `{"logGroupName":"g"}`, last: true},
}

// noGroup is what most operations of CloudWatch Logs answer to another account.
const noGroup = "400 ResourceNotFoundException"
