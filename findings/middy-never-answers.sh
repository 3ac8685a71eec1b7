#!/usr/bin/env bash
# @middy/cloudformation-response 7.9.2: the middleware for custom resources never answers CloudFormation.
#
# Guess: it sends the handler's result to the request's ResponseURL, and FAILED with the message of an error.
# Behaviour: it fills in the fields of the answer and returns the object. Lambda returns it to nobody, for CloudFormation
# calls custom resources asynchronously and waits for a PUT: a stack with such a function waits an hour, and then fails. It is of
# use only behind something that sends the answer, such as the CDK's provider framework. An error is swallowed as
# well: the invocation counts as a success.
# Seen:
#   create: returned SUCCESS, 0 requests to the ResponseURL
#   failing update: returned FAILED (refused), 0 requests to the ResponseURL
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @middy/core@7.9.2 @middy/cloudformation-response@7.9.2 >log 2>&1 || { cat log >&2; exit 1; }
node -p '["@middy/core", "@middy/cloudformation-response"].map(name => name + " " + JSON.parse(require("fs").readFileSync("node_modules/" + name + "/package.json")).version).join("\n")'
cat > main.mjs <<'JS'
import http from 'node:http';
import middy from '@middy/core';
import cloudformationResponse from '@middy/cloudformation-response';

let requests = 0;
const server = http.createServer((_, answer) => { requests++; answer.end(); });
server.listen(0, '127.0.0.1', async () => {
  const event = {
    RequestType: 'Create', ResponseURL: `http://127.0.0.1:${server.address().port}/answer`, RequestId: 'request',
    StackId: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/example/1', LogicalResourceId: 'Emptied',
    ResourceType: 'Custom::EmptyBucket', ResourceProperties: {},
  };
  const context = { logStreamName: 'stream', getRemainingTimeInMillis: () => 5000 };
  const succeeds = middy().use(cloudformationResponse()).handler(async () => ({ PhysicalResourceId: 'docs' }));
  const fails = middy().use(cloudformationResponse()).handler(async () => { throw new Error('refused'); });
  const created = await succeeds(event, context);
  console.log(`create: returned ${created.Status}, ${requests} requests to the ResponseURL`);
  const updated = await fails({ ...event, RequestType: 'Update', PhysicalResourceId: 'docs' }, context);
  console.log(`failing update: returned ${updated.Status} (${updated.Reason}), ${requests} requests to the ResponseURL`);
  server.close();
});
JS
seen=$(node --no-warnings main.mjs)
echo "$seen"
want='create: returned SUCCESS, 0 requests to the ResponseURL
failing update: returned FAILED (refused), 0 requests to the ResponseURL'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
