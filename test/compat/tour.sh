# The tour with the AWS CLI, version 1 or 2. Payloads and packages are given with fileb://, which both read alike, and
# the endpoint with --endpoint-url, because versions before 2.13 do not know AWS_ENDPOINT_URL.
set -euo pipefail

step() { echo "step: $*"; }
die() { echo "$*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1 is '$2', want '$3'"; } # is WHAT GOT WANT
has() { case $2 in *"$3"*) ;; *) die "$1 is '$2', want '$3' in it" ;; esac; } # has WHAT TEXT PART

call() { aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
lambda() { call lambda "$@"; }
# text QUERY OPERATION...: one value of an answer
text() { local query=$1; shift; lambda "$@" --query "$query" --output text; }
# refused CODE COMMAND...: the command must fail with that code
refused() {
  local code=$1 out; shift
  if out=$("$@" 2>&1); then die "$* succeeded: $out"; fi
  has "the error of $*" "$out" "An error occurred ($code) when calling"
}
# invoke EVENT ARGUMENT...: prints the answer, the function's own in answer.json
invoke() {
  printf '%s' "$1" >event.json; shift
  lambda invoke --function-name tour --payload fileb://event.json "$@" answer.json
}
answer() { python3 -c 'import json, sys; print(json.load(open("answer.json"))[sys.argv[1]])' "$1"; }

aws --version
step identity
is account "$(call sts get-caller-identity --query Account --output text)" 000000000000

step account settings
is limit "$(text AccountLimit.ConcurrentExecutions get-account-settings)" 1000

create() { # create NAME ARGUMENT...
  local name=$1; shift
  text '[State,CodeSha256,MemorySize]' create-function --function-name "$name" --runtime "$TOUR_RUNTIME" --handler app.handler \
    --role "$TOUR_ROLE" --zip-file fileb://one.zip --memory-size 128 --timeout 30 "$@"
}
step create
is "the new function" "$(create tour --tags team=ice,tier=1 --environment 'Variables={GREETING=hello}')" \
  "$(printf 'Pending\t%s\t128' "$TOUR_SHA256_ONE")"

step create again
refused ResourceConflictException create tour

step wait until active
lambda wait function-active-v2 --function-name tour

step get and download
out=$(text '[Configuration.State,Tags.team,Code.Location]' get-function --function-name tour)
is "the function" "$(cut -f1-2 <<<"$out")" "$(printf 'Active\tice')"
curl -fsS -o got.zip "$(cut -f3 <<<"$out")"
cmp got.zip one.zip

step invoke
out=$(invoke '{"name":"Grüße, 世界"}' --log-type Tail --client-context "$(printf '{"custom":{"from":"cli"}}' | base64 -w0)" \
  --query '[StatusCode,ExecutedVersion,FunctionError,LogResult]' --output text)
is "the answer" "$(cut -f1-3 <<<"$out")" "$(printf '200\t$LATEST\tNone')"
log=$(cut -f4 <<<"$out" | base64 -d)
for part in "START RequestId: " "version 1 handles {'name': 'Grüße, 世界'}" "REPORT RequestId: "; do has "the log" "$log" "$part"; done
is version "$(answer version)" 1
is event "$(answer event)" "{'name': 'Grüße, 世界'}"
is greeting "$(answer greeting)" hello
is "client context" "$(answer custom)" "{'from': 'cli'}"

step dry run
is status "$(invoke '{}' --invocation-type DryRun --query StatusCode --output text)" 204

step function error
is "the answer" "$(invoke '{"fail":true}' --query '[StatusCode,FunctionError]' --output text)" "$(printf '200\tUnhandled')"
is type "$(answer errorType)" ValueError
is message "$(answer errorMessage)" "on purpose"

step update code
is "the digest" "$(text CodeSha256 update-function-code --function-name tour --zip-file fileb://two.zip)" "$TOUR_SHA256_TWO"
lambda wait function-updated-v2 --function-name tour
invoke '{}' >/dev/null
is version "$(answer version)" 2

step update configuration
revision=$(text RevisionId get-function-configuration --function-name tour)
is memory "$(text MemorySize update-function-configuration --function-name tour --memory-size 256 \
  --environment 'Variables={GREETING=bye}' --revision-id "$revision")" 256
lambda wait function-updated-v2 --function-name tour
invoke '{}' >/dev/null
is memory "$(answer memory)" 256
is greeting "$(answer greeting)" bye
is version "$(answer version)" 2

step list in pages
create tour-b >/dev/null
create tour-c >/dev/null
names() { lambda list-functions --page-size 1 "$@" --query 'join(`,`, Functions[].FunctionName)' --output json; }
is names "$(names)" '"tour,tour-b,tour-c"'
is "the first two" "$(names --max-items 2)" '"tour,tour-b"'
token=$(lambda list-functions --page-size 1 --max-items 2 --query NextToken --output json | tr -d '"')
is "the rest" "$(names --starting-token "$token")" '"tour-c"'

step tags
arn=$(text FunctionArn get-function-configuration --function-name tour)
lambda tag-resource --resource "$arn" --tags owner=me,tier=2
lambda untag-resource --resource "$arn" --tag-keys team
is tags "$(text 'Tags.[owner,tier,team]' list-tags --resource "$arn")" "$(printf 'me\t2\tNone')"

step concurrency and code signing
is concurrency "$(lambda get-function-concurrency --function-name tour)" ""
is "code signing" "$(text '[FunctionName,CodeSigningConfigArn]' get-function-code-signing-config --function-name tour)" "$(printf 'tour\tNone')"

step versions
publish() { text '[Version,FunctionArn]' publish-version --function-name tour "$@"; }
is "the first version" "$(publish)" "$(printf '1\t%s:1' "$arn")"
is "the same again" "$(publish)" "$(printf '1\t%s:1' "$arn")"
lambda update-function-code --function-name tour --zip-file fileb://one.zip >/dev/null
lambda wait function-updated-v2 --function-name tour
is "the second version" "$(publish --description second --code-sha256 "$TOUR_SHA256_ONE")" "$(printf '2\t%s:2' "$arn")"
refused InvalidParameterValueException publish --code-sha256 "$TOUR_SHA256_TWO"
is versions "$(lambda list-versions-by-function --function-name tour --page-size 1 --query 'join(`,`, Versions[].Version)' --output json)" '"$LATEST,1,2"'
is "the version that ran" "$(invoke '{}' --qualifier 1 --query ExecutedVersion --output text)" 1
is "the code of version 1" "$(answer version)" 2
invoke '{}' >/dev/null
is "the code of \$LATEST" "$(answer version)" 1
is description "$(text Description get-function-configuration --function-name tour:2)" second
lambda delete-function --function-name tour --qualifier 2 >/dev/null
refused ResourceNotFoundException lambda get-function --function-name tour --qualifier 2
refused InvalidParameterValueException lambda delete-function --function-name tour --qualifier '$LATEST'
is "the next version" "$(publish)" "$(printf '3\t%s:3' "$arn")"

step reserved concurrency
is reserved "$(text ReservedConcurrentExecutions put-function-concurrency --function-name tour --reserved-concurrent-executions 5)" 5
is reserved "$(text ReservedConcurrentExecutions get-function-concurrency --function-name tour)" 5
is reserved "$(text Concurrency.ReservedConcurrentExecutions get-function --function-name tour)" 5
is unreserved "$(text AccountLimit.UnreservedConcurrentExecutions get-account-settings)" 995
refused InvalidParameterValueException lambda put-function-concurrency --function-name tour --reserved-concurrent-executions 901
lambda put-function-concurrency --function-name tour --reserved-concurrent-executions 0 >/dev/null
refused TooManyRequestsException env AWS_MAX_ATTEMPTS=1 aws --endpoint-url "$AWS_ENDPOINT_URL" lambda invoke --function-name tour answer.json
lambda delete-function-concurrency --function-name tour
is concurrency "$(lambda get-function-concurrency --function-name tour)" ""

step provisioned concurrency
provisioned() { local operation=$1; shift; lambda "$operation-provisioned-concurrency-config" --function-name tour --qualifier "$@"; }
refused ProvisionedConcurrencyConfigNotFoundException provisioned get 1
refused InvalidParameterValueException provisioned put '$LATEST' --provisioned-concurrent-executions 1
is "the new configuration" "$(provisioned put 1 --provisioned-concurrent-executions 1 \
  --query '[RequestedProvisionedConcurrentExecutions,AllocatedProvisionedConcurrentExecutions,Status]' --output text)" "$(printf '1\t0\tIN_PROGRESS')"
for _ in $(seq 30); do
  status=$(provisioned get 1 --query Status --output text)
  [ "$status" = IN_PROGRESS ] || break
done
is status "$status" READY
is "the version that ran" "$(invoke '{}' --qualifier 1 --query ExecutedVersion --output text)" 1
is "the list" "$(text 'ProvisionedConcurrencyConfigs[].[FunctionArn,Status]' list-provisioned-concurrency-configs --function-name tour)" "$(printf '%s:1\tREADY' "$arn")"
provisioned delete 1
refused ProvisionedConcurrencyConfigNotFoundException provisioned get 1

step aliases
aliased() { local operation=$1; shift; lambda "$operation-alias" --function-name tour --name "$@"; }
is "the alias" "$(aliased create live --function-version 1 --query '[AliasArn,FunctionVersion,RoutingConfig]' --output text)" "$(printf '%s:live\t1\tNone' "$arn")"
refused ResourceConflictException aliased create live --function-version 1
refused ResourceNotFoundException aliased get nope
refused ValidationException aliased create 1 --function-version 1
refused ResourceConflictException lambda delete-function --function-name tour --qualifier 1
is "the version that ran" "$(invoke '{}' --qualifier live --query ExecutedVersion --output text)" 1
is "the code of version 1" "$(answer version)" 2
is "the ARN in the context" "$(answer arn)" "$arn:live"
is "the function" "$(text '[FunctionArn,Version]' get-function-configuration --function-name tour:live)" "$(printf '%s:live\t1' "$arn")"
alias_revision=$(aliased get live --query RevisionId --output text)
is routing "$(aliased update live --routing-config 'AdditionalVersionWeights={3=0.5}' --revision-id "$alias_revision" \
  --query 'RoutingConfig.AdditionalVersionWeights."3"' --output text)" 0.5
refused PreconditionFailedException aliased update live --function-version 3 --revision-id "$alias_revision"
ran=
for _ in $(seq 40); do # both come, but for one in 10^12 runs
  ran="$ran $(invoke '{}' --qualifier live --query ExecutedVersion --output text)"
  case $ran in *1*3* | *3*1*) break ;; esac
done
has "what ran" "$ran" 1
has "what ran" "$ran" 3
aliased create next --function-version '$LATEST' >/dev/null
is aliases "$(lambda list-aliases --function-name tour --page-size 1 --query 'join(`,`, Aliases[].Name)' --output json)" '"live,next"'
is "aliases of version 1" "$(text 'Aliases[].Name' list-aliases --function-name tour --function-version 1)" live
is "the moved alias" "$(aliased update live --function-version 3 --routing-config '{}' --query '[FunctionVersion,RoutingConfig]' --output text)" "$(printf '3\tNone')"
provisioned put live --provisioned-concurrent-executions 1 >/dev/null
refused ResourceConflictException provisioned put 3 --provisioned-concurrent-executions 1
is "the list" "$(text 'ProvisionedConcurrencyConfigs[].FunctionArn' list-provisioned-concurrency-configs --function-name tour)" "$arn:live"
provisioned delete live
aliased delete live
refused ResourceNotFoundException aliased get live

step snap start
is "snap start" "$(text '[SnapStart.ApplyOn,SnapStart.OptimizationStatus]' update-function-configuration --function-name tour \
  --snap-start ApplyOn=PublishedVersions)" "$(printf 'PublishedVersions\tOff')"
lambda wait function-updated-v2 --function-name tour
is "the new version" "$(text '[Version,State]' publish-version --function-name tour)" "$(printf '4\tPending')"
lambda wait published-version-active --function-name tour --qualifier 4
is "snap start" "$(text SnapStart.OptimizationStatus get-function-configuration --function-name tour --qualifier 4)" On
is "the version that ran" "$(invoke '{}' --qualifier 4 --query ExecutedVersion --output text)" 4
is "the code of version 4" "$(answer version)" 1
refused InvalidParameterValueException provisioned put 4 --provisioned-concurrent-executions 1
lambda update-function-configuration --function-name tour --snap-start ApplyOn=None >/dev/null
lambda wait function-updated-v2 --function-name tour

step event invoke config
refused ResourceNotFoundException lambda update-function-event-invoke-config --function-name tour --qualifier 1 --maximum-retry-attempts 1
other=${arn%:*}:tour-b
is "the new configuration" "$(lambda put-function-event-invoke-config --function-name tour --qualifier 1 --maximum-retry-attempts 0 \
  --destination-config "OnSuccess={Destination=$other}" --query '[FunctionArn,MaximumRetryAttempts,DestinationConfig.OnSuccess.Destination]' --output text)" \
  "$(printf '%s:1\t0\t%s' "$arn" "$other")"
lambda update-function-event-invoke-config --function-name tour --qualifier 1 --maximum-event-age-in-seconds 60 >/dev/null
is "the configuration" "$(lambda get-function-event-invoke-config --function-name tour --qualifier 1 \
  --query '[MaximumRetryAttempts,MaximumEventAgeInSeconds]' --output text)" "$(printf '0\t60')"
is "the list" "$(text 'FunctionEventInvokeConfigs[].FunctionArn' list-function-event-invoke-configs --function-name tour)" "$arn:1"

step asynchronous invocation
is status "$(invoke '{"name":"later"}' --qualifier 1 --invocation-type Event --query StatusCode --output text)" 202
printf '{"name":"old way"}' >event.json
is status "$(text Status invoke-async --function-name tour-b --invoke-args event.json)" 202
for _ in $(seq 60); do # tour-b gets the record of the first and the event of the second
  log=$(call logs filter-log-events --log-group-name /aws/lambda/tour-b --filter-pattern handles --query 'events[].message' --output text || true)
  case $log in *"old way"*Success* | *Success*"old way"*) break ;; esac
done
has "the log" "$log" "handles {'name': 'old way'}"
has "the log" "$log" "'condition': 'Success'"
has "the log" "$log" "'requestPayload': {'name': 'later'}"
lambda delete-function-event-invoke-config --function-name tour --qualifier 1
refused ResourceNotFoundException lambda get-function-event-invoke-config --function-name tour --qualifier 1

step recursion and runtime management
is recursion "$(text RecursiveLoop get-function-recursion-config --function-name tour)" Terminate
is recursion "$(text RecursiveLoop put-function-recursion-config --function-name tour --recursive-loop Allow)" Allow
is recursion "$(text RecursiveLoop get-function-recursion-config --function-name tour)" Allow
is "runtime updates" "$(text UpdateRuntimeOn put-runtime-management-config --function-name tour --update-runtime-on FunctionUpdate)" FunctionUpdate
is "runtime updates" "$(text '[FunctionArn,UpdateRuntimeOn]' get-runtime-management-config --function-name tour)" "$(printf '%s:$LATEST\tFunctionUpdate' "$arn")"

step revision that is not the latest
refused PreconditionFailedException lambda update-function-configuration --function-name tour --timeout 5 --revision-id "$revision"
refused PreconditionFailedException lambda update-function-code --function-name tour --zip-file fileb://one.zip --revision-id "$revision"

step invalid parameter
refused InvalidParameterValueException lambda update-function-configuration --function-name tour --environment 'Variables={AWS_REGION=x}'

step payload too large
refused RequestTooLargeException lambda invoke --function-name tour --payload fileb://large.json answer.json

step unknown function
refused ResourceNotFoundException lambda get-function --function-name nope
refused ResourceNotFoundException lambda invoke --function-name nope answer.json

step wrong secret key
AWS_SECRET_ACCESS_KEY=wrong refused InvalidSignatureException lambda list-functions

step unknown access key
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE refused UnrecognizedClientException lambda list-functions

step not implemented yet
refused NotImplementedException lambda list-capacity-providers
sent=$(lambda list-capacity-providers --debug 2>&1 | grep -c 'Sending http request' || true)
is "the number of requests" "$sent" 1

step delete
for name in tour tour-b tour-c; do lambda delete-function --function-name "$name" >/dev/null; done
refused ResourceNotFoundException lambda get-function --function-name tour
refused ResourceNotFoundException lambda delete-function --function-name tour
is functions "$(text 'length(Functions)' list-functions)" 0
