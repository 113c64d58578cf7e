"""The Python SDK under the control of a test.

    peer.py DATABASE write URL       stores the data streamed by a flag service, until end of input
    peer.py DATABASE upsert CHANGES  passes changes of single items to the store
    peer.py DATABASE read QUESTIONS  evaluates in daemon mode and prints the results
    peer.py SYSTEM receive QUESTIONS evaluates with a data system and prints the results

All arguments except the URL are JSON. DATABASE is {"redis"} or {"endpoint", "table"}, with "prefix".
SYSTEM is {"mode", "url"}: the name of a data system and the URL of a flag service. It evaluates once
the flag QUESTIONS["until"][0] has the value QUESTIONS["until"][1].
"""

import json
import signal
import sys
import time

from ldclient import Config, Context, LDClient, datasystem
from ldclient.config import BigSegmentsConfig
from ldclient.feature_store import CacheConfig
from ldclient.integrations import DynamoDB, Redis
from ldclient.versioned_data_kind import FEATURES, SEGMENTS

# Ends this process after this many seconds, even if the test was killed.
signal.alarm(120)


def stores(database):
    """Returns the flag store and the big-segment store, without a cache."""
    cache = CacheConfig.disabled()
    prefix = database["prefix"]
    if "redis" in database:
        url = database["redis"]
        return (
            Redis.new_feature_store(url=url, prefix=prefix, caching=cache),
            Redis.new_big_segment_store(url=url, prefix=prefix),
        )
    table = database["table"]
    options = {
        "endpoint_url": database["endpoint"],
        "region_name": "eu-central-1",
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }
    return (
        DynamoDB.new_feature_store(table, prefix=prefix, dynamodb_opts=options, caching=cache),
        DynamoDB.new_big_segment_store(table, prefix=prefix, dynamodb_opts=options),
    )


def write(database, url):
    store, _ = stores(database)
    config = Config("sdk-key", stream_uri=url, base_uri=url, feature_store=store, send_events=False)
    with LDClient(config, start_wait=30):
        sys.stdin.read()


def upsert(database, changes):
    store, _ = stores(database)
    kinds = {"features": FEATURES, "segments": SEGMENTS}
    for change in changes:
        kind = kinds[change["kind"]]
        if "item" in change:
            store.upsert(kind, change["item"])
        else:
            store.delete(kind, change["key"], change["version"])


def read(database, questions):
    store, big_segments = stores(database)
    config = Config(
        "sdk-key",
        use_ldd=True,
        feature_store=store,
        big_segments=BigSegmentsConfig(store=big_segments),
        send_events=False,
    )
    with LDClient(config) as client:
        answers = evaluate(client, store.initialized, questions)
    json.dump(answers, sys.stdout)


def receive(system, questions):
    url, mode = system["url"], getattr(datasystem, system["mode"])
    config = Config(
        "sdk-key",
        base_uri=url,
        stream_uri=url,
        datasystem_config=mode().build(),
        send_events=False,
    )
    flag, value = questions["until"]
    with LDClient(config, start_wait=60) as client:
        # The alarm ends this if the value never arrives.
        while client.variation(flag, Context.create("ada"), None) != value:
            time.sleep(0.02)
        answers = evaluate(client, client.is_initialized(), questions)
    json.dump(answers, sys.stdout)


def evaluate(client, initialized, questions):
    contexts = [Context.from_dict(context) for context in questions["contexts"]]
    return {
        "initialized": initialized,
        "details": [
            {key: detail(client.variation_detail(key, context, "default")) for key in questions["flags"]}
            for context in contexts
        ],
        "states": [
            client.all_flags_state(context, with_reasons=True).to_json_dict()
            for context in contexts
            if questions["states"]
        ],
    }


def detail(found):
    return {"value": found.value, "variationIndex": found.variation_index, "reason": found.reason}


if __name__ == "__main__":
    origin, action, argument = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    if action == "write":
        write(origin, argument)
    else:
        {"upsert": upsert, "read": read, "receive": receive}[action](origin, json.loads(argument))
