//! The tour of the operations that deploy and invoke, with the AWS SDK for Rust. It makes a plain HTTP connection, so that
//! no TLS library has to be compiled.

use aws_config::BehaviorVersion;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    DestinationConfig, Environment, FunctionCode, FunctionUrlAuthType, InvocationType,
    InvokeWithResponseStreamResponseEvent, LayerVersionContentInput, LogType, OnFailure, Runtime, State,
};
use aws_sdk_lambda::Client;
use serde_json::{json, Value};
use std::fmt::Debug;
use std::time::Duration;

fn step(name: &str) {
    println!("step: {name}");
}

fn same<T: PartialEq + Debug>(what: &str, got: T, want: T) {
    assert_eq!(got, want, "{what}");
}

/// The call must have failed with that error.
fn refused<T: Debug, E: ProvideErrorMetadata + Debug>(result: Result<T, E>, code: &str) {
    match result {
        Ok(answer) => panic!("succeeded, want {code}: {answer:?}"),
        Err(e) => same("the error's code", e.code().map(String::from), Some(code.to_string())),
    }
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

struct Tour {
    aws: Client,
    one: Vec<u8>,
    two: Vec<u8>,
}

impl Tour {
    fn create(&self, name: &str) -> CreateFunctionFluentBuilder {
        self.aws
            .create_function()
            .function_name(name)
            .runtime(Runtime::from(env("TOUR_RUNTIME").as_str()))
            .handler("app.handler")
            .role(env("TOUR_ROLE"))
            .memory_size(128)
            .timeout(30)
            .code(FunctionCode::builder().zip_file(Blob::new(self.one.clone())).build())
    }

    async fn wait(&self, name: &str) {
        for _ in 0..600 {
            let c = self.aws.get_function_configuration().function_name(name).send().await.unwrap();
            let updating = c.last_update_status().is_some_and(|s| s.as_str() == "InProgress");
            if c.state() == Some(&State::Active) && !updating {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} did not become active");
    }

    async fn invoke(&self, qualifier: &str, event: Value) -> (Option<String>, Option<String>, Value) {
        let answer = self
            .aws
            .invoke()
            .function_name("tour")
            .qualifier(qualifier)
            .payload(Blob::new(event.to_string()))
            .send()
            .await
            .unwrap();
        let body = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        (answer.executed_version().map(String::from), answer.function_error().map(String::from), body)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let t = Tour {
        aws: Client::new(&config),
        one: std::fs::read("one.zip").unwrap(),
        two: std::fs::read("two.zip").unwrap(),
    };
    let aws = &t.aws;

    step("functions");
    let f = t.create("tour").tags("team", "ice").send().await.unwrap();
    same("state", f.state(), Some(&State::Pending));
    same("digest", f.code_sha256().map(String::from), Some(env("TOUR_SHA256_ONE")));
    let arn = f.function_arn().unwrap().to_string();
    refused(t.create("tour").send().await, "ResourceConflictException");
    t.wait("tour").await;
    let f = aws.get_function().function_name("tour").send().await.unwrap();
    same("tag", f.tags().unwrap().get("team").map(String::as_str), Some("ice"));
    assert!(f.code().unwrap().location().unwrap().starts_with("http"));
    let f = aws.update_function_code().function_name("tour").zip_file(Blob::new(t.two.clone())).send().await.unwrap();
    same("digest", f.code_sha256().map(String::from), Some(env("TOUR_SHA256_TWO")));
    t.wait("tour").await;
    let variables = Environment::builder().variables("GREETING", "hello").build();
    let f = aws.update_function_configuration().function_name("tour").environment(variables).memory_size(256).send().await.unwrap();
    same("memory", f.memory_size(), Some(256));
    t.wait("tour").await;
    refused(aws.update_function_configuration().function_name("tour").timeout(901).send().await, "ValidationException");
    refused(aws.get_function().function_name("nope").send().await, "ResourceNotFoundException");
    let listed = aws.list_functions().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    same("functions", listed.len(), 1);

    step("invoke");
    let (version, error, result) = t.invoke("$LATEST", json!({"name": "Grüße, 世界"})).await;
    same("version", version.as_deref(), Some("$LATEST"));
    same("error", error, None);
    same("result", (&result["version"], &result["greeting"]), (&json!(2), &json!("hello")));
    let (_, error, result) = t.invoke("$LATEST", json!({"fail": true})).await;
    same("error", error.as_deref(), Some("Unhandled"));
    same("message", &result["errorMessage"], &json!("on purpose"));
    let dry = aws.invoke().function_name("tour").invocation_type(InvocationType::DryRun).send().await.unwrap();
    same("dry run", dry.status_code(), 204);
    let tail = aws.invoke().function_name("tour").log_type(LogType::Tail).payload(Blob::new("{}")).send().await.unwrap();
    assert!(tail.log_result().is_some());
    let event = aws.invoke().function_name("tour").invocation_type(InvocationType::Event).payload(Blob::new("{}")).send().await.unwrap();
    same("event", event.status_code(), 202);

    step("streaming");
    let mut answer = aws.invoke_with_response_stream().function_name("tour").payload(Blob::new("{}")).send().await.unwrap();
    let (mut body, mut complete) = (Vec::new(), false);
    while let Some(event) = answer.event_stream.recv().await.unwrap() {
        match event {
            InvokeWithResponseStreamResponseEvent::PayloadChunk(c) => body.extend_from_slice(c.payload().unwrap().as_ref()),
            InvokeWithResponseStreamResponseEvent::InvokeComplete(c) => {
                same("error code", c.error_code(), None);
                complete = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(complete);
    same("streamed", &serde_json::from_slice::<Value>(&body).unwrap()["version"], &json!(2));

    step("versions and aliases");
    same("version", aws.publish_version().function_name("tour").send().await.unwrap().version(), Some("1"));
    t.wait("tour").await;
    let versions = aws.list_versions_by_function().function_name("tour").send().await.unwrap();
    same("versions", versions.versions().len(), 2);
    let alias = aws.create_alias().function_name("tour").name("live").function_version("1").send().await.unwrap();
    same("alias", alias.alias_arn().map(String::from), Some(format!("{arn}:live")));
    same("the same", aws.get_alias().function_name("tour").name("live").send().await.unwrap().function_version(), Some("1"));
    same("invoked", t.invoke("live", json!({})).await.0.as_deref(), Some("1"));
    aws.update_alias().function_name("tour").name("live").function_version("$LATEST").send().await.unwrap();
    same("aliases", aws.list_aliases().function_name("tour").send().await.unwrap().aliases().len(), 1);
    aws.delete_alias().function_name("tour").name("live").send().await.unwrap();

    step("permissions");
    let added = aws
        .add_permission()
        .function_name("tour")
        .statement_id("s3")
        .action("lambda:InvokeFunction")
        .principal("s3.amazonaws.com")
        .source_arn("arn:aws:s3:::bucket")
        .send()
        .await
        .unwrap();
    let statement: Value = serde_json::from_str(added.statement().unwrap()).unwrap();
    same("resource", &statement["Resource"], &json!(arn));
    let policy = aws.get_policy().function_name("tour").send().await.unwrap();
    assert!(policy.policy().unwrap().contains("s3.amazonaws.com"));
    aws.remove_permission().function_name("tour").statement_id("s3").send().await.unwrap();
    refused(aws.get_policy().function_name("tour").send().await, "ResourceNotFoundException");

    step("tags");
    aws.tag_resource().resource(&arn).tags("tier", "1").send().await.unwrap();
    aws.untag_resource().resource(&arn).tag_keys("team").send().await.unwrap();
    let tags = aws.list_tags().resource(&arn).send().await.unwrap();
    same("tags", tags.tags().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), vec!["tier"]);

    step("concurrency");
    aws.put_function_concurrency().function_name("tour").reserved_concurrent_executions(3).send().await.unwrap();
    let concurrency = aws.get_function_concurrency().function_name("tour").send().await.unwrap();
    same("reserved", concurrency.reserved_concurrent_executions(), Some(3));
    aws.delete_function_concurrency().function_name("tour").send().await.unwrap();

    step("function url");
    let url = aws.create_function_url_config().function_name("tour").auth_type(FunctionUrlAuthType::None).send().await.unwrap();
    assert!(url.function_url().contains(".lambda-url."), "{}", url.function_url());
    aws.update_function_url_config().function_name("tour").auth_type(FunctionUrlAuthType::AwsIam).send().await.unwrap();
    let config = aws.get_function_url_config().function_name("tour").send().await.unwrap();
    same("auth", config.auth_type(), &FunctionUrlAuthType::AwsIam);
    aws.delete_function_url_config().function_name("tour").send().await.unwrap();
    refused(aws.get_function_url_config().function_name("tour").send().await, "ResourceNotFoundException");

    step("event invoke config");
    refused(
        aws.update_function_event_invoke_config().function_name("tour").maximum_retry_attempts(1).send().await,
        "ResourceNotFoundException",
    );
    let other = t.create("failures").send().await.unwrap().function_arn().unwrap().to_string();
    let failures = OnFailure::builder().destination(&other).build();
    aws.put_function_event_invoke_config()
        .function_name("tour")
        .maximum_retry_attempts(0)
        .destination_config(DestinationConfig::builder().on_failure(failures).build())
        .send()
        .await
        .unwrap();
    aws.update_function_event_invoke_config().function_name("tour").maximum_event_age_in_seconds(60).send().await.unwrap();
    let config = aws.get_function_event_invoke_config().function_name("tour").send().await.unwrap();
    same("config", (config.maximum_retry_attempts(), config.maximum_event_age_in_seconds()), (Some(0), Some(60)));
    let destination = config.destination_config().and_then(|d| d.on_failure()).and_then(|f| f.destination());
    same("destination", destination, Some(other.as_str()));
    aws.delete_function_event_invoke_config().function_name("tour").send().await.unwrap();

    step("event source mappings");
    refused(
        aws.create_event_source_mapping()
            .function_name("tour")
            .event_source_arn("arn:aws:sqs:us-east-1:000000000000:queue")
            .send()
            .await,
        "InvalidParameterValueException",
    );
    let unknown = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
    refused(aws.get_event_source_mapping().uuid(unknown).send().await, "ResourceNotFoundException");
    refused(aws.update_event_source_mapping().uuid(unknown).enabled(false).send().await, "ResourceNotFoundException");
    refused(aws.delete_event_source_mapping().uuid(unknown).send().await, "ResourceNotFoundException");
    same("mappings", aws.list_event_source_mappings().send().await.unwrap().event_source_mappings().len(), 0);

    step("layers");
    let content = LayerVersionContentInput::builder().zip_file(Blob::new(t.one.clone())).build();
    let layer = aws.publish_layer_version().layer_name("tools").content(content).send().await.unwrap();
    same("version", layer.version(), 1);
    let read = aws.get_layer_version().layer_name("tools").version_number(1).send().await.unwrap();
    same("layer", read.layer_version_arn(), layer.layer_version_arn());
    aws.update_function_configuration().function_name("tour").layers(layer.layer_version_arn().unwrap()).send().await.unwrap();
    t.wait("tour").await;
    aws.delete_layer_version().layer_name("tools").version_number(1).send().await.unwrap();
    refused(aws.get_layer_version().layer_name("tools").version_number(1).send().await, "ResourceNotFoundException");
    same("invoked", &t.invoke("$LATEST", json!({})).await.2["version"], &json!(2));

    step("code signing");
    let signing = aws.get_function_code_signing_config().function_name("tour").send().await.unwrap();
    same("function", signing.function_name(), "tour");

    step("delete");
    aws.delete_function().function_name("failures").send().await.unwrap();
    aws.delete_function().function_name("tour").send().await.unwrap();
    refused(aws.invoke().function_name("tour").send().await, "ResourceNotFoundException");
}
