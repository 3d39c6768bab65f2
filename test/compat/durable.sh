# All operations on durable executions with the AWS CLI: FUNCTION ARN TOKEN of an execution whose handler runs.
set -euo pipefail
function=$1 arn=$2 token=$3

die() { echo "$*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1 is '$2', want '$3'"; } # is WHAT GOT WANT
lambda() { aws --endpoint-url "$AWS_ENDPOINT_URL" lambda "$@"; }
# text QUERY OPERATION...: one value of an answer
text() { local query=$1; shift; lambda "$@" --query "$query" --output text; }

is "the execution in the list" "$(text "DurableExecutions[?DurableExecutionArn=='$arn'].Status" list-durable-executions-by-function --function-name "$function")" RUNNING
is input "$(text InputPayload get-durable-execution --durable-execution-arn "$arn")" '"CLI"'
is "the first operation" "$(text 'Operations[0].Type' get-durable-execution-state --durable-execution-arn "$arn" --checkpoint-token "$token")" EXECUTION
read -r a b <<<"$(text 'NewExecutionState.Operations[].CallbackDetails.CallbackId' checkpoint-durable-execution --durable-execution-arn "$arn" --checkpoint-token "$token" \
  --updates Id=a,Type=CALLBACK,Action=START Id=b,Type=CALLBACK,Action=START)"
lambda send-durable-execution-callback-heartbeat --callback-id "$a"
lambda send-durable-execution-callback-success --callback-id "$a" --result fileb://<(printf '"yes"')
lambda send-durable-execution-callback-failure --callback-id "$b" --error ErrorMessage=no
lambda stop-durable-execution --durable-execution-arn "$arn" --error ErrorMessage=enough >/dev/null
is status "$(text '[Status,Error.ErrorMessage]' get-durable-execution --durable-execution-arn "$arn")" "STOPPED	enough"
is "the last event" "$(text 'Events[0].EventType' get-durable-execution-history --durable-execution-arn "$arn" --reverse-order --max-items 1 | head -1)" ExecutionStopped
echo done
