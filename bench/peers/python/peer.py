"""The Python SDK beside ours. bench/src/peers/mod.rs describes the argument and the output."""

import itertools
import json
import logging
import platform
import signal
import sys
import time

from ldclient import Config, Context, LDClient, datasystem
from ldclient.integrations import Redis
from ldclient.version import VERSION

# Ends this process after two minutes, even if the benchmark was killed.
signal.alarm(120)
logging.basicConfig(level=logging.ERROR)


def config(options):
    url, redis = options["url"], options["redis"]
    return Config(
        "sdk-key",
        base_uri=url,
        stream_uri=url,
        events_uri=url,
        send_events=options["events"],
        datasystem_config=datasystem.default().build() if options["dataSystem"] else None,
        use_ldd=bool(redis),
        feature_store=Redis.new_feature_store(url=redis) if redis else None,
    )


def measure(options, run):
    """Doubles the calls until they take as long as the warm-up, and then times as many as fit into the seconds."""

    def clock(calls):
        begun = time.perf_counter()
        run(calls)
        return time.perf_counter() - begun

    calls, made, took = 1, 1, clock(1)
    while took < options["warm"]:
        calls *= 2
        made += calls
        took = clock(calls)
    calls = max(1, int(calls * options["seconds"] / took))
    return {"calls": calls, "made": made + calls, "seconds": clock(calls)}


def measure_flag(client, options, contexts, flag):
    def run(calls):
        for context in itertools.islice(itertools.cycle(contexts), calls):
            client.variation(flag, context, False)

    answer = client.variation(flag, contexts[0], False)
    return {**measure(options, run), "answer": answer}


def measure_state(client, options, context):
    def run(calls):
        for _ in range(calls):
            client.all_flags_state(context)

    return {**measure(options, run), "answer": len(client.all_flags_state(context).to_values_map())}


def write(line):
    print(json.dumps(line), flush=True)


def main():
    options = json.loads(sys.argv[1])
    contexts = [Context.from_dict(context) for context in options["contexts"]]
    write({"about": f"Python SDK {VERSION}, Python {platform.python_version()}"})
    sys.stdin.readline()
    begun = time.perf_counter()
    with LDClient(config(options), start_wait=60) as client:
        write({"started": time.perf_counter() - begun})
        for flag in options["flags"]:
            write(measure_flag(client, options, contexts, flag))
        if options["state"]:
            write(measure_state(client, options, contexts[0]))
        sys.stdin.read()


if __name__ == "__main__":
    main()
