"""Handlers with the official SDK for Python, unmodified."""
import json

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration, StepConfig, WaitForCallbackConfig
from aws_durable_execution_sdk_python.retries import RetryDecision
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision


def soon(error, attempt):
    return RetryDecision.retry(Duration.from_seconds(1)) if attempt < 3 else RetryDecision.no_retry()


def flaky(step):
    if step.attempt < 2:
        raise ValueError("attempt %d" % step.attempt)
    return "attempt %d" % step.attempt


def poll(state, context):
    return state + 1


def inner(context):
    one = context.step(lambda _: 1, name="one")
    context.wait(Duration.from_seconds(1), name="short")
    return one + context.step(lambda _: 2, name="two")


@durable_execution
def handler(event, context):
    out = {"input": event}
    out["flaky"] = context.step(flaky, name="flaky", config=StepConfig(retry_strategy=soon))
    out["polled"] = context.wait_for_condition(poll, WaitForConditionConfig(
        wait_strategy=lambda state, n: WaitForConditionDecision.stop_polling() if state >= 2 else WaitForConditionDecision.continue_waiting(Duration.from_seconds(1)),
        initial_state=0), name="poll")
    out["answer"] = context.wait_for_callback(lambda callback, _: print("callback", callback), name="approval",
                                              config=WaitForCallbackConfig(timeout=Duration.from_minutes(5)))
    context.wait(Duration.from_seconds(event["wait"]), name="long")
    out["child"] = context.run_in_child_context(inner, name="inner")
    out["parallel"] = context.parallel([inner, lambda c: c.step(lambda _: "p", name="p")], name="both").get_results()
    out["map"] = context.map([1, 2, 3], lambda c, item, index, items: c.step(lambda _: item * item, name="square"), name="squares").get_results()
    out["plain"] = context.invoke(event["plain"], {"word": "hello"}, name="plain")
    out["durable"] = context.invoke(event["durable"], {"number": 20}, name="durable")
    try:
        context.invoke(event["plain"], {"fail": "on purpose"}, name="failing")
    except Exception as e:
        out["failure"] = "%s: %s" % (type(e).__name__, e)
    out["large"] = len(context.step(lambda _: "x" * 200_000, name="large"))
    return out


@durable_execution
def child(event, context):
    context.wait(Duration.from_seconds(1))
    return event["number"] + context.step(lambda _: 22)


@durable_execution
def waits(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    return context.wait_for_callback(lambda callback, _: None, name="approval",
                                     config=WaitForCallbackConfig(timeout=Duration.from_minutes(5), heartbeat_timeout=Duration.from_minutes(1)))
