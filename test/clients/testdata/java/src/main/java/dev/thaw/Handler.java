package dev.thaw;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

/** The function of the contract test. */
public class Handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
  @Override
  public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
    if (event.get("fail") instanceof String why) {
      throw new IllegalStateException(why);
    }
    if (event.get("exit") instanceof Number code) {
      Runtime.getRuntime().halt(code.intValue());
    }
    context.getLogger().log("hello\n");
    return Map.of(
        "hello", event.get("name"),
        "id", context.getAwsRequestId(),
        "arn", context.getInvokedFunctionArn());
  }
}
