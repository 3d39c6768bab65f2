package policy

import (
	"slices"
	"strings"
)

// Condition keys that Thaw supplies. Source: IAM user guide, "AWS global condition context keys"; Lambda developer guide,
// "Resource-based policies".
const (
	KeyCurrentTime           = "aws:CurrentTime"      // RFC 3339
	KeyEpochTime             = "aws:EpochTime"        // seconds
	KeyPrincipalAccount      = "aws:PrincipalAccount" // of callers with an account
	KeyPrincipalARN          = "aws:PrincipalArn"     // of a session: the role's ARN
	KeyPrincipalType         = "aws:PrincipalType"    // Account, User, AssumedRole or Anonymous
	KeyUserID                = "aws:userid"
	KeyRequestedRegion       = "aws:RequestedRegion"
	KeySecureTransport       = "aws:SecureTransport" // true if the request came over TLS
	KeySourceAccount         = "aws:SourceAccount"   // of services: for whom they ask
	KeySourceARN             = "aws:SourceArn"       // of services: the resource they ask for
	KeySourceIP              = "aws:SourceIp"
	KeyUserAgent             = "aws:UserAgent"
	KeyTagKeys               = "aws:TagKeys"      // of requests that bring tags, or take them away
	KeyRequestTag            = "aws:RequestTag/"  // and a tag's key: of requests that bring tags
	KeyResourceTag           = "aws:ResourceTag/" // and a tag's key: of the function that the request is about
	KeyPassedToService       = "iam:PassedToService"
	KeyFunctionARN           = "lambda:FunctionArn" // of an event source mapping
	KeyLayer                 = "lambda:Layer"       // ARNs of the layers that a function is given
	KeyPermissionPrincipal   = "lambda:Principal"   // whom a permission is for
	KeyCodeSigningConfigARN  = "lambda:CodeSigningConfigArn"
	KeyEventSourceToken      = "lambda:EventSourceToken" // of services
	KeyFunctionURLAuthType   = "lambda:FunctionUrlAuthType"
	KeyInvokedViaFunctionURL = "lambda:InvokedViaFunctionUrl"
)

// known are the keys above, and those that stay absent because what they speak of does not exist here: organisations,
// virtual networks, second factors, services that call on somebody's behalf.
var known = []string{
	"aws:currenttime", "aws:epochtime", "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:userid",
	"aws:requestedregion", "aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:useragent",
	"aws:tagkeys", "iam:passedtoservice", "lambda:functionarn", "lambda:layer", "lambda:principal",
	"lambda:codesigningconfigarn", "lambda:eventsourcetoken", "lambda:functionurlauthtype", "lambda:invokedviafunctionurl",

	"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:resourceorgid",
	"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip",
	"aws:calledvia", "aws:viaawsservice", "aws:principalisawsservice", "aws:principalservicename", "aws:referer",
	"aws:username", "aws:tokenissuetime", "sts:externalid", "sts:rolesessionname", "lambda:vpcids", "lambda:subnetids",
	"lambda:securitygroupids", "lambda:sourcefunctionarn",
}

func knownKey(key string) bool {
	key = strings.ToLower(key)
	return slices.Contains(known, key) || strings.HasPrefix(key, "aws:requesttag/") || strings.HasPrefix(key, "aws:resourcetag/")
}
