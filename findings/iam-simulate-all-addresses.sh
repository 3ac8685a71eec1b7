#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: no IPv4 address is in 0.0.0.0/0.
#
# Guess: IpAddress with aws:SourceIp 0.0.0.0/0 matches each request from an IPv4 address, as ::/0 matches each from an IPv6
# address, and an Allow with this condition allows them.
# Behaviour: the Allow does not match, so the request is denied. For longer prefixes, and for ::/0, the answer is right.
# Seen:
#   0.0.0.0/0 203.0.113.9: ImplicitlyDenied
#   128.0.0.0/1 203.0.113.9: Allowed
#   203.0.113.0/24 203.0.113.9: Allowed
#   ::/0 2001:db8::1: Allowed
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @cloud-copilot/iam-simulate@0.1.173 >log 2>&1 || { cat log >&2; exit 1; }
cat > ask.mjs <<'JS'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const ask = async (range, address) => {
  const answer = await runSimulation({
    request: {
      principal: 'arn:aws:iam::111122223333:user/ana', action: 's3:GetObject',
      resource: { resource: 'arn:aws:s3:::docs/a', accountId: '111122223333' }, contextVariables: { 'aws:SourceIp': address },
    },
    serviceControlPolicies: [], resourceControlPolicies: [],
    identityPolicies: [{ name: 'read', policy: { Version: '2012-10-17', Statement: [{
      Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::docs/*', Condition: { IpAddress: { 'aws:SourceIp': range } },
    }] } }],
  }, {})
  console.log(`${range} ${address}: ${answer.overallResult}`)
}
await ask('0.0.0.0/0', '203.0.113.9')
await ask('128.0.0.0/1', '203.0.113.9')
await ask('203.0.113.0/24', '203.0.113.9')
await ask('::/0', '2001:db8::1')
JS
seen=$(node ask.mjs)
echo "$seen"
wanted='0.0.0.0/0 203.0.113.9: ImplicitlyDenied
128.0.0.0/1 203.0.113.9: Allowed
203.0.113.0/24 203.0.113.9: Allowed
::/0 2001:db8::1: Allowed'
test "$seen" = "$wanted" || { echo "changed" >&2; exit 1; }
