#!/usr/bin/env bash
# custom-resource-helper 1.0.15: a failed update and a successful deletion rename the resource to "None".
#
# Guess: an answer carries the physical id that the request names unless the handler gives another.
# Behaviour: only the id that the handler returns counts. A handler that throws, and a deletion that returns nothing, are answered
# with the id "None", although CloudFormation demands the same id for as long as the resource is the same, and treats
# another one as a replacement.
# Seen:
#   Create: SUCCESS, id docs
#   Update: FAILED, id None
#   Delete: SUCCESS, id None
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts custom-resource-helper@1.0.15 >log 2>&1 || { cat log >&2; exit 1; }
echo "custom-resource-helper $(node -p 'require("custom-resource-helper/package.json").version')"
cat > main.cjs <<'JS'
const http = require('http');
const { customResourceHelper } = require('custom-resource-helper');
const answers = [];
const server = http.createServer((request, answer) => {
  let body = '';
  request.on('data', part => { body += part; });
  request.on('end', () => { answers.push(JSON.parse(body)); answer.end(); });
});
server.listen(0, '127.0.0.1', async () => {
  const handler = customResourceHelper(() => ({
    onCreate: async () => ({ physicalResourceId: 'docs' }),
    onUpdate: async () => { throw new Error('refused'); },
    onDelete: async () => {},
  }), () => ({ debug() {}, info() {}, warn() {}, error() {} }));
  for (const RequestType of ['Create', 'Update', 'Delete']) {
    await handler({
      RequestType, ResponseURL: `http://127.0.0.1:${server.address().port}/answer`, RequestId: 'request',
      StackId: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/example/1', LogicalResourceId: 'Emptied',
      PhysicalResourceId: 'docs', ResourceType: 'Custom::EmptyBucket', ResourceProperties: {},
    }, { logStreamName: 'stream', getRemainingTimeInMillis: () => 10000 });
    const last = answers.at(-1);
    console.log(`${RequestType}: ${last.Status}, id ${last.PhysicalResourceId}`);
  }
  process.exit(0);
});
JS
seen=$(node --no-warnings main.cjs)
echo "$seen"
want='Create: SUCCESS, id docs
Update: FAILED, id None
Delete: SUCCESS, id None'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
