// The Node.js SDK under the control of a test:
//
//     node peer.js DATABASE read QUESTIONS
//
// evaluates in daemon mode and prints the results. The arguments are those of peer.py. The store for
// DynamoDB exists for version 7 of the SDK only, which has contexts but another name.
"use strict";

// Ends this process after two minutes, even if the test was killed.
setTimeout(() => process.exit(1), 120_000).unref();

function open(database) {
  const { prefix } = database;
  if ("redis" in database) {
    const sdk = require("@launchdarkly/node-server-sdk");
    const { RedisFeatureStore } = require("@launchdarkly/node-server-sdk-redis");
    const { hostname: host, port } = new URL(database.redis);
    const redisOpts = { host, port: Number(port) };
    return [sdk, RedisFeatureStore({ redisOpts, prefix, cacheTTL: 0 })];
  }
  const sdk = require("launchdarkly-node-server-sdk");
  const { DynamoDBFeatureStore } = require("launchdarkly-node-server-sdk-dynamodb");
  const clientOptions = {
    endpoint: database.endpoint,
    region: "eu-central-1",
    accessKeyId: "local",
    secretAccessKey: "local",
  };
  return [sdk, DynamoDBFeatureStore(database.table, { prefix, clientOptions, cacheTTL: 0 })];
}

async function read(database, questions) {
  const [sdk, featureStore] = open(database);
  const logger = sdk.basicLogger({ level: "error" });
  const client = sdk.init("sdk-key", { useLdd: true, featureStore, sendEvents: false, logger });
  await client.waitForInitialization({ timeout: 60 });
  const details = [];
  for (const context of questions.contexts) {
    const found = {};
    for (const flag of questions.flags) {
      const { value, variationIndex, reason } = await client.variationDetail(flag, context, "default");
      found[flag] = { value, variationIndex: variationIndex ?? null, reason };
    }
    details.push(found);
  }
  process.stdout.write(JSON.stringify({ details }), () => process.exit(0));
}

const [database, action, questions] = process.argv.slice(2);
if (action !== "read") throw new Error(`unknown action ${action}`);
read(JSON.parse(database), JSON.parse(questions));
