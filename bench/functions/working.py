# The hello function with init work: it computes for a while and keeps some megabytes of what it found.
import os
import time

end = time.monotonic() + float(os.environ["INIT_SECONDS"])
found = {}
n = 0
while time.monotonic() < end:
    found[n % 50_000] = str(n * n)
    n += 1


def lambda_handler(event, context):
    return {"message": "Hello, " + event["name"]}
