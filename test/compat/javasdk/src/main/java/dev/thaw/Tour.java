package dev.thaw;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.lambda.LambdaAsyncClient;
import software.amazon.awssdk.services.lambda.LambdaClient;
import software.amazon.awssdk.services.lambda.model.CreateFunctionResponse;
import software.amazon.awssdk.services.lambda.model.FunctionUrlAuthType;
import software.amazon.awssdk.services.lambda.model.GetFunctionConfigurationResponse;
import software.amazon.awssdk.services.lambda.model.InvocationType;
import software.amazon.awssdk.services.lambda.model.InvokeResponse;
import software.amazon.awssdk.services.lambda.model.InvokeWithResponseStreamResponseHandler;
import software.amazon.awssdk.services.lambda.model.InvokeWithResponseStreamResponseHandler.Visitor;
import software.amazon.awssdk.services.lambda.model.LastUpdateStatus;
import software.amazon.awssdk.services.lambda.model.LogType;
import software.amazon.awssdk.services.lambda.model.State;

/** The tour of the operations that deploy and invoke, with the AWS SDK for Java. */
public final class Tour {
  private static final LambdaClient aws = LambdaClient.create();
  private static SdkBytes one;
  private static SdkBytes two;

  private Tour() {}

  private static void step(String name) {
    System.out.println("step: " + name);
  }

  private static void same(String what, Object got, Object want) {
    if (!java.util.Objects.equals(got, want)) {
      throw new AssertionError(what + " is " + got + ", want " + want);
    }
  }

  private static void contains(String what, String got, String part) {
    same(what + " with " + part + ", which is " + got, got.contains(part), true);
  }

  /** The call must fail with that error. */
  private static void refused(String code, Runnable call) {
    try {
      call.run();
    } catch (AwsServiceException e) {
      same("the error's code", e.awsErrorDetails().errorCode(), code);
      return;
    }
    throw new AssertionError("succeeded, want " + code);
  }

  private static CreateFunctionResponse create(String name) {
    return aws.createFunction(
        f ->
            f.functionName(name)
                .runtime(System.getenv("TOUR_RUNTIME"))
                .handler("app.handler")
                .role(System.getenv("TOUR_ROLE"))
                .memorySize(128)
                .timeout(30)
                .tags(Map.of("team", "ice"))
                .code(c -> c.zipFile(one)));
  }

  private static void await(String name) throws InterruptedException {
    for (int i = 0; i < 600; i++) {
      GetFunctionConfigurationResponse c = aws.getFunctionConfiguration(f -> f.functionName(name));
      if (c.state() == State.ACTIVE && c.lastUpdateStatus() != LastUpdateStatus.IN_PROGRESS) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError(name + " did not become active");
  }

  private static InvokeResponse invoke(String qualifier, String event) {
    return aws.invoke(i -> i.functionName("tour").qualifier(qualifier).payload(SdkBytes.fromUtf8String(event)));
  }

  public static void main(String[] args) throws Exception {
    one = SdkBytes.fromByteArray(Files.readAllBytes(Path.of("one.zip")));
    two = SdkBytes.fromByteArray(Files.readAllBytes(Path.of("two.zip")));

    step("functions");
    CreateFunctionResponse created = create("tour");
    same("state", created.state(), State.PENDING);
    same("digest", created.codeSha256(), System.getenv("TOUR_SHA256_ONE"));
    String arn = created.functionArn();
    refused("ResourceConflictException", () -> create("tour"));
    await("tour");
    aws.waiter().waitUntilFunctionActiveV2(f -> f.functionName("tour"));
    var read = aws.getFunction(f -> f.functionName("tour"));
    same("tags", read.tags(), Map.of("team", "ice"));
    contains("location", read.code().location(), "http");
    same("digest", aws.updateFunctionCode(f -> f.functionName("tour").zipFile(two)).codeSha256(), System.getenv("TOUR_SHA256_TWO"));
    await("tour");
    same("memory",
        aws.updateFunctionConfiguration(f -> f.functionName("tour").memorySize(256).environment(e -> e.variables(Map.of("GREETING", "hello"))))
            .memorySize(), 256);
    await("tour");
    refused("ValidationException", () -> aws.updateFunctionConfiguration(f -> f.functionName("tour").timeout(901)));
    refused("ResourceNotFoundException", () -> aws.getFunction(f -> f.functionName("nope")));
    same("functions", aws.listFunctionsPaginator().functions().stream().count(), 1L);

    step("invoke");
    InvokeResponse answer = invoke("$LATEST", "{\"name\":\"Grüße, 世界\"}");
    same("version", answer.executedVersion(), "$LATEST");
    same("error", answer.functionError(), null);
    contains("result", answer.payload().asUtf8String(), "\"greeting\": \"hello\"");
    answer = invoke("$LATEST", "{\"fail\":true}");
    same("error", answer.functionError(), "Unhandled");
    contains("result", answer.payload().asUtf8String(), "on purpose");
    same("dry run", aws.invoke(i -> i.functionName("tour").invocationType(InvocationType.DRY_RUN)).statusCode(), 204);
    same("tail", aws.invoke(i -> i.functionName("tour").logType(LogType.TAIL)).logResult() != null, true);
    same("event",
        aws.invoke(i -> i.functionName("tour").invocationType(InvocationType.EVENT).payload(SdkBytes.fromUtf8String("{}"))).statusCode(), 202);

    step("streaming");
    var body = new StringBuffer();
    var complete = new AtomicBoolean();
    try (LambdaAsyncClient async = LambdaAsyncClient.create()) {
      async.invokeWithResponseStream(i -> i.functionName("tour").payload(SdkBytes.fromUtf8String("{}")),
          InvokeWithResponseStreamResponseHandler.builder()
              .subscriber(Visitor.builder()
                  .onPayloadChunk(c -> body.append(c.payload().asUtf8String()))
                  .onInvokeComplete(c -> complete.set(c.errorCode() == null))
                  .build())
              .build()).join();
    }
    same("complete", complete.get(), true);
    contains("streamed", body.toString(), "\"version\": 2");

    step("versions and aliases");
    same("version", aws.publishVersion(f -> f.functionName("tour")).version(), "1");
    await("tour");
    same("versions", aws.listVersionsByFunction(f -> f.functionName("tour")).versions().size(), 2);
    same("alias", aws.createAlias(a -> a.functionName("tour").name("live").functionVersion("1")).aliasArn(), arn + ":live");
    same("the same", aws.getAlias(a -> a.functionName("tour").name("live")).functionVersion(), "1");
    same("invoked", invoke("live", "{}").executedVersion(), "1");
    aws.updateAlias(a -> a.functionName("tour").name("live").functionVersion("$LATEST"));
    same("aliases", aws.listAliases(a -> a.functionName("tour")).aliases().size(), 1);
    aws.deleteAlias(a -> a.functionName("tour").name("live"));

    step("permissions");
    contains("statement",
        aws.addPermission(p -> p.functionName("tour").statementId("s3").action("lambda:InvokeFunction").principal("s3.amazonaws.com")
            .sourceArn("arn:aws:s3:::bucket")).statement(), arn);
    contains("policy", aws.getPolicy(p -> p.functionName("tour")).policy(), "s3.amazonaws.com");
    aws.removePermission(p -> p.functionName("tour").statementId("s3"));
    refused("ResourceNotFoundException", () -> aws.getPolicy(p -> p.functionName("tour")));

    step("tags");
    aws.tagResource(r -> r.resource(arn).tags(Map.of("tier", "1")));
    aws.untagResource(r -> r.resource(arn).tagKeys("team"));
    same("tags", aws.listTags(r -> r.resource(arn)).tags(), Map.of("tier", "1"));

    step("concurrency");
    aws.putFunctionConcurrency(f -> f.functionName("tour").reservedConcurrentExecutions(3));
    same("reserved", aws.getFunctionConcurrency(f -> f.functionName("tour")).reservedConcurrentExecutions(), 3);
    aws.deleteFunctionConcurrency(f -> f.functionName("tour"));

    step("function url");
    contains("url", aws.createFunctionUrlConfig(f -> f.functionName("tour").authType(FunctionUrlAuthType.NONE)).functionUrl(), ".lambda-url.");
    aws.updateFunctionUrlConfig(f -> f.functionName("tour").authType(FunctionUrlAuthType.AWS_IAM));
    same("auth", aws.getFunctionUrlConfig(f -> f.functionName("tour")).authType(), FunctionUrlAuthType.AWS_IAM);
    aws.deleteFunctionUrlConfig(f -> f.functionName("tour"));
    refused("ResourceNotFoundException", () -> aws.getFunctionUrlConfig(f -> f.functionName("tour")));

    step("event invoke config");
    refused("ResourceNotFoundException", () -> aws.updateFunctionEventInvokeConfig(f -> f.functionName("tour").maximumRetryAttempts(1)));
    String failures = create("failures").functionArn();
    aws.putFunctionEventInvokeConfig(f -> f.functionName("tour").maximumRetryAttempts(0)
        .destinationConfig(d -> d.onFailure(o -> o.destination(failures))));
    aws.updateFunctionEventInvokeConfig(f -> f.functionName("tour").maximumEventAgeInSeconds(60));
    var config = aws.getFunctionEventInvokeConfig(f -> f.functionName("tour"));
    same("config", config.maximumRetryAttempts() + " " + config.maximumEventAgeInSeconds(), "0 60");
    same("destination", config.destinationConfig().onFailure().destination(), failures);
    aws.deleteFunctionEventInvokeConfig(f -> f.functionName("tour"));

    step("event source mappings");
    refused("InvalidParameterValueException",
        () -> aws.createEventSourceMapping(m -> m.functionName("tour").eventSourceArn("arn:aws:sqs:us-east-1:000000000000:queue")));
    String unknown = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
    refused("ResourceNotFoundException", () -> aws.getEventSourceMapping(m -> m.uuid(unknown)));
    refused("ResourceNotFoundException", () -> aws.updateEventSourceMapping(m -> m.uuid(unknown).enabled(false)));
    refused("ResourceNotFoundException", () -> aws.deleteEventSourceMapping(m -> m.uuid(unknown)));
    same("mappings", aws.listEventSourceMappings().eventSourceMappings().size(), 0);

    step("layers");
    var layer = aws.publishLayerVersion(l -> l.layerName("tools").content(c -> c.zipFile(one)));
    same("version", layer.version(), 1L);
    same("layer", aws.getLayerVersion(l -> l.layerName("tools").versionNumber(1L)).layerVersionArn(), layer.layerVersionArn());
    aws.updateFunctionConfiguration(f -> f.functionName("tour").layers(layer.layerVersionArn()));
    await("tour");
    aws.deleteLayerVersion(l -> l.layerName("tools").versionNumber(1L));
    refused("ResourceNotFoundException", () -> aws.getLayerVersion(l -> l.layerName("tools").versionNumber(1L)));
    contains("result", invoke("$LATEST", "{}").payload().asUtf8String(), "\"version\": 2");

    step("code signing");
    same("function", aws.getFunctionCodeSigningConfig(f -> f.functionName("tour")).functionName(), "tour");

    step("delete");
    aws.deleteFunction(f -> f.functionName("failures"));
    aws.deleteFunction(f -> f.functionName("tour"));
    refused("ResourceNotFoundException", () -> aws.invoke(i -> i.functionName("tour")));
  }
}
