# The baseline's child: one event per line on stdin, one result per line on stdout.
import json
import sys

sys.path.insert(0, sys.argv[1])
from lambda_function import lambda_handler

for line in sys.stdin:
    sys.stdout.write(json.dumps(lambda_handler(json.loads(line), None)) + "\n")
    sys.stdout.flush()
