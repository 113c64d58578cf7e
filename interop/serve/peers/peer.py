"""The Python SDK. The argument is {url, fdv2, polling, context}; lines.mjs has the commands."""

import json
import logging
import signal
import sys
import time

from ldclient import Config, Context, LDClient, datasystem

# Ends this process after fifteen minutes, even if the driver was killed.
signal.alarm(900)
logging.basicConfig(level=logging.ERROR)


def context_of(described):
    """Returns a context. The SDK has no old-style users, so that they are converted."""
    if "kind" in described:
        return Context.from_dict(described)
    others = {name: value for name, value in described.items() if name != "custom"}
    return Context.from_dict({"kind": "user", **described.get("custom", {}), **others})


def values(client, context):
    found = {}
    for flag in client.all_flags_state(context).to_values_map():
        detail = client.variation_detail(flag, context, None)
        # A rule without an id has the id `None`.
        reason = {name: value for name, value in detail.reason.items() if value is not None}
        found[flag] = {"value": detail.value, "variation": detail.variation_index, "reason": reason}
    return found


def answer(client, context, command):
    if command["do"] == "values":
        return values(client, context_of(command["context"]))
    if command["do"] == "await":
        while client.variation(command["flag"], context, None) != command["value"]:
            time.sleep(0.002)
    elif command["do"] == "evaluate":
        for _ in range(command["times"]):
            client.variation(command["flag"], context, None)
    elif command["do"] == "identify":
        client.identify(context_of(command["context"]))
    elif command["do"] == "track":
        client.track(command["event"], context)
    elif command["do"] == "flush":
        client.flush()
    return {}


def main():
    options = json.loads(sys.argv[1])
    url, context = options["url"], context_of(options["context"])
    system = datasystem.default().build() if options["fdv2"] else None
    config = Config(
        "sdk-key",
        base_uri=url,
        stream_uri=url,
        events_uri=url,
        stream=not options["polling"],
        datasystem_config=system,
        enable_event_compression=True,
    )
    with LDClient(config, start_wait=60) as client:
        print("{}", flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(client, context, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
