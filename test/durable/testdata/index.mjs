// Handlers with the official SDK for JavaScript, unmodified.
import { withDurableExecution } from "@aws/durable-execution-sdk-js";

const inner = async (context) => {
  const one = await context.step("one", async () => 1);
  await context.wait("short", { seconds: 1 });
  return one + (await context.step("two", async () => 2));
};

export const handler = withDurableExecution(async (event, context) => {
  const out = { input: event };
  let attempts = 0;
  out.flaky = await context.step("flaky", async (step) => {
    attempts = step.attempt ?? attempts + 1;
    if (attempts < 2) throw new Error("attempt " + attempts);
    return "attempt " + attempts;
  }, { retryStrategy: (error, n) => ({ shouldRetry: n < 3, delay: { seconds: 1 } }) });
  out.answer = await context.waitForCallback("approval", async (id) => console.log("callback", id), { timeout: { minutes: 5 } });
  await context.wait("long", { seconds: event.wait });
  out.child = await context.runInChildContext("inner", inner);
  out.parallel = (await context.parallel("both", [inner, async (c) => c.step("p", async () => "p")])).getResults();
  out.map = (await context.map("squares", [1, 2, 3], async (c, item) => c.step("square", async () => item * item))).getResults();
  out.plain = await context.invoke("plain", event.plain, { word: "hello" });
  out.durable = await context.invoke("durable", event.durable, { number: 20 });
  try {
    await context.invoke("failing", event.plain, { fail: "on purpose" });
  } catch (e) {
    out.failure = String(e.cause?.message ?? e.message);
  }
  out.large = (await context.step("large", async () => "x".repeat(200000))).length;
  return out;
});
