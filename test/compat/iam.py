"""Roles, policies and sessions with boto3, and what a session may do then."""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

iam, sts, aws = boto3.client("iam"), boto3.client("sts"), boto3.client("lambda")
ACCOUNT = sts.get_caller_identity()["Account"]


def same(what, got, want):
    if got != want:
        sys.exit(f"{what} is {got!r}, want {want!r}")


def refused(error, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        same("the error's code", e.response["Error"]["Code"], error)
    else:
        sys.exit(f"{arguments} was not refused")


def step(name):
    print("step:", name, flush=True)


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


ME = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

step("roles")
role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=document(Action="sts:AssumeRole", Principal=ME), Tags=[{"Key": "team", "Value": "ice"}])["Role"]
same("the ARN", role["Arn"], f"arn:aws:iam::{ACCOUNT}:role/deployer")
same("the id", role["RoleId"][:4], "AROA")
read = iam.get_role(RoleName="deployer")["Role"]
same("the trust policy", read["AssumeRolePolicyDocument"]["Statement"][0]["Principal"], ME)
same("tags", iam.list_role_tags(RoleName="deployer")["Tags"], [{"Key": "team", "Value": "ice"}])
refused("EntityAlreadyExists", iam.create_role, RoleName="deployer", AssumeRolePolicyDocument=document(Action="sts:AssumeRole", Principal=ME))
refused("MalformedPolicyDocument", iam.create_role, RoleName="other", AssumeRolePolicyDocument="{")
refused("NoSuchEntity", iam.get_role, RoleName="other")
same("roles", [r["RoleName"] for r in iam.list_roles()["Roles"]], ["deployer"])
same("instance profiles", iam.list_instance_profiles_for_role(RoleName="deployer")["InstanceProfiles"], [])

step("policies")
iam.put_role_policy(RoleName="deployer", PolicyName="call", PolicyDocument=document(Action="lambda:InvokeFunction", Resource="*"))
same("inline policies", iam.list_role_policies(RoleName="deployer")["PolicyNames"], ["call"])
inline = iam.get_role_policy(RoleName="deployer", PolicyName="call")["PolicyDocument"]
same("the policy", inline["Statement"][0]["Action"], "lambda:InvokeFunction")
policy = iam.create_policy(PolicyName="look", PolicyDocument=document(Action="lambda:GetFunction*", Resource="*"))["Policy"]
same("the document", iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")["PolicyVersion"]["Document"]["Statement"][0]["Resource"], "*")
basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
for arn in (policy["Arn"], basic):
    iam.attach_role_policy(RoleName="deployer", PolicyArn=arn)
same("attached", sorted(p["PolicyName"] for p in iam.list_attached_role_policies(RoleName="deployer")["AttachedPolicies"]),
     ["AWSLambdaBasicExecutionRole", "look"])
refused("DeleteConflict", iam.delete_role, RoleName="deployer")
refused("DeleteConflict", iam.delete_policy, PolicyArn=policy["Arn"])

step("sessions")
aws.create_function(FunctionName="tour", Runtime=os.environ["TOUR_RUNTIME"], Handler="app.handler", Role=os.environ["TOUR_ROLE"],
                    Code={"ZipFile": open("one.zip", "rb").read()})
aws.get_waiter("function_active_v2").wait(FunctionName="tour")
refused("AccessDenied", sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/other", RoleSessionName="it")
assumed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="it", DurationSeconds=900)
same("who", assumed["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/it")


def session(service, credentials):
    return boto3.client(service, aws_access_key_id=credentials["AccessKeyId"], aws_secret_access_key=credentials["SecretAccessKey"],
                        aws_session_token=credentials["SessionToken"])


mine = session("lambda", assumed["Credentials"])
same("who", session("sts", assumed["Credentials"]).get_caller_identity()["Arn"], assumed["AssumedRoleUser"]["Arn"])
same("invoked", json.load(mine.invoke(FunctionName="tour", Payload="{}")["Payload"])["version"], 1)
same("seen", mine.get_function(FunctionName="tour")["Configuration"]["FunctionName"], "tour")
refused("AccessDeniedException", mine.delete_function, FunctionName="tour")
refused("AccessDeniedException", mine.list_functions)
refused("AccessDenied", session("iam", assumed["Credentials"]).create_role, RoleName="x", AssumeRolePolicyDocument=document(Action="sts:AssumeRole", Principal=ME))
narrow = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="narrow", Policy=document(Action="lambda:GetFunction", Resource="*"))["Credentials"]
refused("AccessDeniedException", session("lambda", narrow).invoke, FunctionName="tour")
broken = dict(assumed["Credentials"], SessionToken=assumed["Credentials"]["SessionToken"][:-4] + "AAAA")
refused("UnrecognizedClientException", session("lambda", broken).list_functions)
iam.delete_role_policy(RoleName="deployer", PolicyName="call")
refused("AccessDeniedException", mine.invoke, FunctionName="tour")

step("the end of a role")
for arn in (policy["Arn"], basic):
    iam.detach_role_policy(RoleName="deployer", PolicyArn=arn)
iam.delete_policy(PolicyArn=policy["Arn"])
iam.delete_role(RoleName="deployer")
refused("NoSuchEntity", iam.get_role, RoleName="deployer")
refused("AccessDeniedException", mine.get_function, FunctionName="tour")
