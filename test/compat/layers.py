"""Layers and code signing with boto3."""

import json
import os
import sys
import urllib.request

import boto3

FIRST, SECOND, CODE = (open(name, "rb").read() for name in ("first.zip", "second.zip", "code.zip"))
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer:words"
aws = boto3.client("lambda")
errors = aws.exceptions


def same(what, got, want):
    if got != want:
        sys.exit(f"{what} is {got!r}, want {want!r}")


def refused(error, call, **arguments):
    try:
        answer = call(**arguments)
    except error as e:
        same("the number of retries", e.response["ResponseMetadata"]["RetryAttempts"], 0)
    else:
        sys.exit(f"succeeded: {answer}")


runtime = os.environ["TOUR_RUNTIME"]
first = aws.publish_layer_version(LayerName="words", Content={"ZipFile": FIRST}, Description="the first", LicenseInfo="MIT",
                                  CompatibleRuntimes=[runtime, "provided.al2023"], CompatibleArchitectures=["x86_64"])
same("status", first["ResponseMetadata"]["HTTPStatusCode"], 201)
same("version 1", (first["Version"], first["LayerArn"], first["LayerVersionArn"], first["Content"]["CodeSize"]), (1, LAYER, LAYER + ":1", len(FIRST)))
same("version 2", aws.publish_layer_version(LayerName=LAYER, Content={"ZipFile": SECOND})["Version"], 2)
shown = aws.get_layer_version(LayerName="words", VersionNumber=1)
same("the same read", {k: shown[k] for k in first if k not in ("ResponseMetadata", "Content")}, {k: first[k] for k in first if k not in ("ResponseMetadata", "Content")})
with urllib.request.urlopen(shown["Content"]["Location"]) as package:
    same("the package is first.zip", package.read() == FIRST, True)
same("by ARN", aws.get_layer_version_by_arn(Arn=LAYER + ":2")["Version"], 2)
same("layers", [(v["LayerName"], v["LatestMatchingVersion"]["Version"]) for v in aws.list_layers()["Layers"]], [("words", 2)])
same("layers for the runtime", [v["LatestMatchingVersion"]["Version"] for v in aws.list_layers(CompatibleRuntime=runtime)["Layers"]], [1])
pages = aws.get_paginator("list_layer_versions").paginate(LayerName="words", PaginationConfig={"PageSize": 1})
same("versions", [[v["Version"] for v in page["LayerVersions"]] for page in pages], [[2], [1]])


def create(name, *layers, **more):
    return aws.create_function(FunctionName=name, Runtime=runtime, Handler="app.handler", Role=os.environ["TOUR_ROLE"],
                               Code={"ZipFile": CODE}, Layers=list(layers), **more)


def word():
    return json.loads(aws.invoke(FunctionName="words")["Payload"].read())


def updated():
    aws.get_waiter("function_updated_v2").wait(FunctionName="words")


same("layers", create("words", LAYER + ":1")["Layers"], [{"Arn": LAYER + ":1", "CodeSize": len(FIRST)}])
aws.get_waiter("function_active_v2").wait(FunctionName="words")
same("the word", word(), "one")
aws.update_function_configuration(FunctionName="words", Layers=[LAYER + ":2"])
updated()
same("the word", word(), "two")
for layers in ([LAYER + ":1", LAYER + ":2"], [LAYER + ":3"], [f"{LAYER}{n}:1" for n in range(6)]):
    refused(errors.InvalidParameterValueException, aws.update_function_configuration, FunctionName="words", Layers=layers)

policy = {"LayerName": "words", "VersionNumber": 1}
refused(errors.ResourceNotFoundException, aws.get_layer_version_policy, **policy)
statement = {"StatementId": "other", "Action": "lambda:GetLayerVersion", "Principal": "123456789012"}
added = aws.add_layer_version_permission(**policy, **statement)
same("principal", json.loads(added["Statement"])["Principal"], {"AWS": "arn:aws:iam::123456789012:root"})
refused(errors.ResourceConflictException, aws.add_layer_version_permission, **policy, **statement)
refused(errors.PreconditionFailedException, aws.remove_layer_version_permission, **policy, StatementId="other", RevisionId="old")
shown = aws.get_layer_version_policy(**policy)
same("the policy", (shown["RevisionId"], json.loads(shown["Policy"])["Statement"]), (added["RevisionId"], [json.loads(added["Statement"])]))
aws.remove_layer_version_permission(**policy, StatementId="other", RevisionId=added["RevisionId"])

for number in (1, 2, 2):
    same("status", aws.delete_layer_version(LayerName="words", VersionNumber=number)["ResponseMetadata"]["HTTPStatusCode"], 204)
refused(errors.ResourceNotFoundException, aws.get_layer_version, LayerName="words", VersionNumber=2)
same("the word", word(), "two")
same("the next version", aws.publish_layer_version(LayerName="words", Content={"ZipFile": FIRST})["Version"], 3)

publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"]}
config = aws.create_code_signing_config(AllowedPublishers=publishers, Tags={"team": "ice"})["CodeSigningConfig"]
arn = config["CodeSigningConfigArn"]
same("the policy", config["CodeSigningPolicies"], {"UntrustedArtifactOnDeployment": "Warn"})
aws.tag_resource(Resource=arn, Tags={"owner": "me"})
aws.untag_resource(Resource=arn, TagKeys=["team"])
same("tags", aws.list_tags(Resource=arn)["Tags"], {"owner": "me"})
aws.put_function_code_signing_config(FunctionName="words", CodeSigningConfigArn=arn)
same("attached", aws.get_function_code_signing_config(FunctionName="words")["CodeSigningConfigArn"], arn)
same("its functions", [f.split(":")[-1] for f in aws.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"]], ["words"])
aws.update_function_code(FunctionName="words", ZipFile=CODE)
updated()
changed = aws.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"})["CodeSigningConfig"]
same("publishers", changed["AllowedPublishers"], publishers)
refused(errors.CodeVerificationFailedException, aws.update_function_code, FunctionName="words", ZipFile=CODE)
refused(errors.CodeVerificationFailedException, create, name="other", CodeSigningConfigArn=arn)
refused(errors.ResourceConflictException, aws.delete_code_signing_config, CodeSigningConfigArn=arn)
same("configurations", [c["CodeSigningConfigArn"] for c in aws.list_code_signing_configs()["CodeSigningConfigs"]], [arn])
aws.delete_function_code_signing_config(FunctionName="words")
aws.delete_code_signing_config(CodeSigningConfigArn=arn)
refused(errors.ResourceNotFoundException, aws.get_code_signing_config, CodeSigningConfigArn=arn)
refused(errors.CodeSigningConfigNotFoundException, aws.put_function_code_signing_config, FunctionName="words", CodeSigningConfigArn=arn)

at = {"S3Bucket": "packages", "S3Key": "dir/code.zip"}
same("size", aws.update_function_code(FunctionName="words", **at)["CodeSize"], len(CODE))
updated()
same("the word", word(), "two")
refused(errors.InvalidParameterValueException, aws.update_function_code, FunctionName="words", S3Bucket="packages", S3Key="none.zip")
same("a layer from S3", aws.publish_layer_version(LayerName="words", Content=at)["Version"], 4)
print("done")
