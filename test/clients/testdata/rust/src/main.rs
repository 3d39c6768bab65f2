use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

async fn handler(event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Some(why) = event.payload["fail"].as_str() {
        return Err(why.into());
    }
    if let Some(code) = event.payload["exit"].as_i64() {
        std::process::exit(code as i32);
    }
    println!("hello");
    Ok(json!({
        "hello": event.payload["name"],
        "id": event.context.request_id,
        "arn": event.context.invoked_function_arn,
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handler)).await
}
