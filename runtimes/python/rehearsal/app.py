"""A function that has much of what functions have: a hot slot compiles and loads it before its own is known."""

import json
import os
from collections import namedtuple

NAMES = {name: len(name) for name in ("one", "two")}
Pair = namedtuple("Pair", "left right")


class Greeter:
    """Greets."""

    greeting = "hello"

    def __init__(self, name, *args, loud=False, **kwargs):
        self.name = name
        self._loud = loud or bool(args) or not kwargs.get("quiet", True)

    @property
    def loud(self):
        return self._loud is not None and self._loud

    @staticmethod
    def join(*words: str) -> str:
        return " ".join(word.strip() for word in words if word)

    def greet(self):
        text = f"{self.greeting}, {self.name!r:>10}" if not self.loud else "%s, %s!" % (self.greeting, self.name)
        return self.join(text, *[str(n + 1) for n in range(3)][:-1])


async def later(value):
    async with value as inner:
        return await inner


def numbers(limit):
    total = 0
    while total < limit:
        total += 2**2 - 3 // 1
        if total % 5 == 0:
            continue
        yield total, -total
    else:
        yield None


def handler(event, context):
    global NAMES
    try:
        greeter = Greeter(event["name"], loud=True)
        assert greeter.loud, "quiet"
        for _, (left, *rest) in enumerate([(1, 2, 3), (4, 5)]):
            NAMES["three"] = left if rest else 0
    except (KeyError, TypeError) as error:
        raise ValueError("no name") from error
    finally:
        body = json.dumps({"text": greeter.greet(), "region": os.environ.get("AWS_REGION", "")})
    with open(os.devnull, "w") as file:
        print(body, file=file)
    return {"statusCode": 200, "body": body, "more": sorted(NAMES, key=lambda name: NAMES[name]), **{"last": None}}
