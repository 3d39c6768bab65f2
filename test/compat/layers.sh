# Layers and code signing with the AWS CLI, version 1 or 2. As in tour.sh, files are given with fileb://.
set -euo pipefail

die() { echo "$*" >&2; exit 1; }
is() { [ "$2" = "$3" ] || die "$1 is '$2', want '$3'"; } # is WHAT GOT WANT
lambda() { aws --endpoint-url "$AWS_ENDPOINT_URL" lambda "$@"; }
text() { local query=$1; shift; lambda "$@" --query "$query" --output text; } # one value of an answer
refused() { # refused CODE COMMAND...: the command must fail with that code
  local code=$1 out; shift
  if out=$("$@" 2>&1); then die "$* succeeded: $out"; fi
  case $out in *"An error occurred ($code) when calling"*) ;; *) die "the error of $* is $out" ;; esac
}
layer=arn:aws:lambda:us-east-1:000000000000:layer:words

publish() { # publish ZIP ARGUMENT...
  local zip=$1; shift
  text '[Version,LayerVersionArn,Content.CodeSha256]' publish-layer-version --layer-name words --zip-file "fileb://$zip" "$@"
}
out=$(publish first.zip --description "the first" --license-info MIT --compatible-runtimes "$TOUR_RUNTIME" provided.al2023 --compatible-architectures x86_64)
is "version 1" "$(cut -f1,2 <<<"$out")" "$(printf '1\t%s:1' "$layer")"
is "the digest" "$(cut -f3 <<<"$out")" "$(openssl dgst -sha256 -binary first.zip | base64)"
is "version 2" "$(publish second.zip | cut -f1)" 2

out=$(text '[Description,LicenseInfo,Content.Location]' get-layer-version --layer-name words --version-number 1)
is "version 1" "$(cut -f1,2 <<<"$out")" "$(printf 'the first\tMIT')"
curl -fsS -o got.zip "$(cut -f3 <<<"$out")"
cmp got.zip first.zip
is "by ARN" "$(text Version get-layer-version-by-arn --arn "$layer:2")" 2
is "layers" "$(text 'Layers[].[LayerName,LatestMatchingVersion.Version]' list-layers)" "$(printf 'words\t2')"
is "layers for the runtime" "$(text 'Layers[].LatestMatchingVersion.Version' list-layers --compatible-runtime "$TOUR_RUNTIME")" 1
is "versions, by pages" "$(lambda list-layer-versions --layer-name words --page-size 1 --query 'LayerVersions[].Version' --output text | xargs)" "2 1"

create() { # create NAME LAYER...
  local name=$1; shift
  lambda create-function --function-name "$name" --runtime "$TOUR_RUNTIME" --handler app.handler --role "$TOUR_ROLE" \
    --zip-file fileb://code.zip --layers "$@" >/dev/null
}
create words "$layer:1"
lambda wait function-active-v2 --function-name words
is "the function's layers" "$(text 'Layers[].Arn' get-function-configuration --function-name words)" "$layer:1"
word() { lambda invoke --function-name words answer.json >/dev/null; cat answer.json; }
is "the word" "$(word)" '"one"'
lambda update-function-configuration --function-name words --layers "$layer:2" >/dev/null
lambda wait function-updated-v2 --function-name words
is "the word" "$(word)" '"two"'
refused InvalidParameterValueException create other "$layer:1" "$layer:2"
refused InvalidParameterValueException create other "$layer:3"
refused AccessDeniedException create other arn:aws:lambda:us-east-1:123456789012:layer:words:1

permit() { text Statement add-layer-version-permission --layer-name words --version-number 1 --statement-id "$1" --action lambda:GetLayerVersion --principal "$2"; }
permit all '*' >/dev/null
refused ResourceConflictException permit all 123456789012
is "the policy" "$(text Policy get-layer-version-policy --layer-name words --version-number 1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["Statement"][0]["Sid"])')" all
lambda remove-layer-version-permission --layer-name words --version-number 1 --statement-id all
refused ResourceNotFoundException lambda get-layer-version-policy --layer-name words --version-number 1

for n in 1 2 2; do lambda delete-layer-version --layer-name words --version-number $n; done
refused ResourceNotFoundException lambda get-layer-version --layer-name words --version-number 2
is "the word" "$(word)" '"two"'
is "the next version" "$(publish first.zip | cut -f1)" 3

profile=arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789
config=$(text CodeSigningConfig.CodeSigningConfigArn create-code-signing-config --allowed-publishers "SigningProfileVersionArns=$profile")
is "the policy" "$(text CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment get-code-signing-config --code-signing-config-arn "$config")" Warn
lambda put-function-code-signing-config --function-name words --code-signing-config-arn "$config" >/dev/null
is "its functions" "$(text 'FunctionArns[]' list-functions-by-code-signing-config --code-signing-config-arn "$config")" arn:aws:lambda:us-east-1:000000000000:function:words
lambda update-function-code --function-name words --zip-file fileb://code.zip >/dev/null
lambda wait function-updated-v2 --function-name words
lambda update-code-signing-config --code-signing-config-arn "$config" --code-signing-policies UntrustedArtifactOnDeployment=Enforce >/dev/null
refused CodeVerificationFailedException lambda update-function-code --function-name words --zip-file fileb://code.zip
refused ResourceConflictException lambda delete-code-signing-config --code-signing-config-arn "$config"
is "configurations" "$(text 'length(CodeSigningConfigs)' list-code-signing-configs)" 1
lambda delete-function-code-signing-config --function-name words
is "code signing" "$(text CodeSigningConfigArn get-function-code-signing-config --function-name words)" None
lambda delete-code-signing-config --code-signing-config-arn "$config"
refused ResourceNotFoundException lambda get-code-signing-config --code-signing-config-arn "$config"

lambda update-function-code --function-name words --s3-bucket packages --s3-key dir/code.zip >/dev/null
lambda wait function-updated-v2 --function-name words
refused InvalidParameterValueException lambda update-function-code --function-name words --s3-bucket packages --s3-key none.zip
is "a layer from S3" "$(text Version publish-layer-version --layer-name words --content S3Bucket=packages,S3Key=dir/code.zip)" 4
echo done
