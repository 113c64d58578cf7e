"""Keeps the results on which the Python SDK agrees:

    evaluation_cases.py < CASES > AGREED

A case is one line of JSON: flags, segments, a context, and the result of each flag. A result on which
this SDK does not agree is removed, and a case without results too. Prints what was removed to the
standard error, by the reason of the result.
"""

import collections
import json
import logging
import sys

from ldclient import Config, Context, LDClient
from ldclient.feature_store import InMemoryFeatureStore
from ldclient.versioned_data_kind import FEATURES, SEGMENTS

logging.disable()
store = InMemoryFeatureStore()
client = LDClient(Config("sdk-key", use_ldd=True, feature_store=store, send_events=False))
agreed = collections.Counter()
removed = collections.Counter()


def result(key, context):
    detail = client.variation_detail(key, context, None)
    return {"value": detail.value, "index": detail.variation_index, "reason": detail.reason}


for line in sys.stdin:
    case = json.loads(line)
    try:
        context = Context.from_dict(case["context"])
        store.init({FEATURES: case["flags"], SEGMENTS: case["segments"]})
        refused = None if context.valid else "context"
    except Exception as error:
        refused = type(error).__name__
    results = {}
    for key, expected in case["results"].items():
        if refused is None and result(key, context) == expected:
            results[key] = expected
            agreed[expected["reason"]["kind"]] += 1
        else:
            removed[refused or expected["reason"]["kind"]] += 1
    if results:
        json.dump({**case, "results": results}, sys.stdout, separators=(",", ":"), ensure_ascii=False)
        print()

print("agreed: ", dict(agreed), file=sys.stderr)
print("removed:", dict(removed), file=sys.stderr)
