# Permissions and function URLs with the AWS CLI and curl.
set -euo pipefail

step() { echo "step: $*"; }
die() { echo "$*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1 is '$2', want '$3'"; } # is WHAT GOT WANT
has() { case $2 in *"$3"*) ;; *) die "$1 is '$2', want '$3' in it" ;; esac; } # has WHAT TEXT PART

lambda() { aws --endpoint-url "$AWS_ENDPOINT_URL" lambda "$@"; }
text() { local query=$1; shift; lambda "$@" --query "$query" --output text; }
refused() { # refused CODE COMMAND...
  local code=$1 out; shift
  if out=$("$@" 2>&1); then die "$* succeeded: $out"; fi
  has "the error of $*" "$out" "An error occurred ($code) when calling"
}
# visit URL ARGUMENT...: prints the body and, in a line of its own, the status; headers go to headers.txt
visit() {
  local url=$1 host; shift
  host=${url#http://}; host=${host%%/*}
  curl -sS -D headers.txt -w '\n%{http_code}' --resolve "${host%%:*}:${host##*:}:127.0.0.1" "$@" "$url"
}
signed() { visit "$@" --aws-sigv4 "aws:amz:us-east-1:lambda" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"; }

step create
lambda create-function --function-name web --runtime "$TOUR_RUNTIME" --handler web.handler --role "$TOUR_ROLE" \
  --zip-file fileb://web.zip --timeout 30 >/dev/null
lambda wait function-active-v2 --function-name web

step url
url=$(text FunctionUrl create-function-url-config --function-name web --auth-type NONE)
is "the url" "$(text FunctionUrl get-function-url-config --function-name web)" "$url"
refused ResourceConflictException lambda create-function-url-config --function-name web --auth-type NONE
has "the answer without a policy" "$(visit "$url")" 'Forbidden. For troubleshooting Function URL authorization issues'

step permissions
refused ResourceNotFoundException lambda get-policy --function-name web
lambda add-permission --function-name web --statement-id url --action lambda:InvokeFunctionUrl --principal '*' --function-url-auth-type NONE >/dev/null
has "the answer with half a policy" "$(visit "$url")" Forbidden
statement=$(text Statement add-permission --function-name web --statement-id invoke --action lambda:InvokeFunction --principal '*' --invoked-via-function-url)
has "the statement" "$statement" '"Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}'
refused ResourceConflictException lambda add-permission --function-name web --statement-id url --action lambda:InvokeFunction --principal s3.amazonaws.com
has "the policy" "$(text Policy get-policy --function-name web)" '"Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}'

step visit
is "the answer" "$(visit "${url}a%20b?x=1&x=2" -b 'c=1; d=2' -H 'content-type: application/json' -d '{"n":1}')" \
  "$(printf 'POST /a%%20b 1,2 c=1|d=2 {"n":1} False\n201')"
has "the headers" "$(cat headers.txt)" "Set-Cookie: a=1; Secure"
has "the headers" "$(cat headers.txt)" "Set-Cookie: b=2"
has "the headers" "$(cat headers.txt)" "X-Custom: yes"
is "binary in" "$(printf '\377' | visit "$url" -H 'content-type: image/png' --data-binary @- | tail -n1)" 201
visit "${url}binary" -o binary.out >/dev/null
is "binary out" "$(od -An -tx1 <binary.out | tr -d ' \n')" ff00fe
is "a string" "$(visit "${url}string")" "$(printf 'just text\n200')"
is "a failure" "$(visit "${url}fail")" "$(printf 'Internal Server Error\n502')"
is "HEAD" "$(visit "$url" --head -o /dev/null)" "$(printf '\n201')"
is "another id" "$(visit "${url/:\/\/????/://aaaa}")" "$(printf '{"Message":null}\n403')"

step cross origin
lambda update-function-url-config --function-name web --cors 'AllowOrigins=https://a.example,AllowMethods=PUT,MaxAge=60' >/dev/null
is "the preflight" "$(visit "$url" -X OPTIONS -H 'Origin: https://a.example' -H 'Access-Control-Request-Method: PUT')" "$(printf '\n200')"
has "its headers" "$(cat headers.txt)" "Access-Control-Allow-Origin: https://a.example"

step signed
lambda update-function-url-config --function-name web --auth-type AWS_IAM >/dev/null
has "the answer unsigned" "$(visit "$url")" Forbidden
is "the answer" "$(signed "${url}who")" "$(printf 'arn:aws:iam::000000000000:root\n200')"

step alias
version=$(text Version publish-version --function-name web)
lambda create-alias --function-name web --name live --function-version "$version" >/dev/null
text FunctionUrl create-function-url-config --function-name web --qualifier live --auth-type AWS_IAM >/dev/null
is "the urls" "$(text 'length(FunctionUrlConfigs)' list-function-url-configs --function-name web)" 2

step stream
lambda create-function --function-name stream --runtime "$TOUR_NODE" --handler stream.handler --role "$TOUR_ROLE" \
  --zip-file fileb://stream.zip --timeout 30 >/dev/null
lambda wait function-active-v2 --function-name stream
stream=$(text FunctionUrl create-function-url-config --function-name stream --auth-type AWS_IAM --invoke-mode RESPONSE_STREAM)
is "the streamed answer" "$(signed "$stream")" "$(printf 'one two\n203')"
has "its headers" "$(cat headers.txt)" "Transfer-Encoding: chunked"
has "its headers" "$(cat headers.txt)" "X-Custom: streamed"

step delete
lambda remove-permission --function-name web --statement-id url
lambda remove-permission --function-name web --statement-id invoke
refused ResourceNotFoundException lambda get-policy --function-name web
lambda delete-function-url-config --function-name web
is "the url" "$(visit "$url")" "$(printf '{"Message":null}\n403')"
