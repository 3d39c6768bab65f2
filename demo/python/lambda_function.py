"""Summarises a web server's access log (combined format), which comes as the event's "log"."""

import collections
import re

LINE = re.compile(r'(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) (\d+|-)')


def lambda_handler(event, context):
    hits, statuses, clients = (collections.Counter() for _ in range(3))
    sent = skipped = 0
    for line in event["log"].splitlines():
        match = LINE.match(line)
        if not match:
            skipped += 1
            continue
        client, _, _, path, status, size = match.groups()
        clients[client] += 1
        statuses[status] += 1
        hits[path.split("?")[0]] += 1
        sent += 0 if size == "-" else int(size)
    return {
        "requests": sum(hits.values()),
        "clients": len(clients),
        "bytes": sent,
        "statuses": dict(sorted(statuses.items())),
        "top": hits.most_common(3),
        "skipped": skipped,
    }
