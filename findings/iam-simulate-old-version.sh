#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: variables work in policies of version 2008-10-17, and in those without a version.
#
# Guess: ${aws:username} in a policy of version 2008-10-17, or of none, which means the same, is no variable but these characters,
# as IAM's reference says of the element Version. So a policy that allows docs/${aws:username}/* allows ana nothing below docs/ana/.
# Behaviour: the variable is replaced whatever the version is. Who tries out an old policy in the simulator sees the access that it
# was meant to give, and not that IAM gives none.
# Seen:
#   2012-10-17: Allowed
#   2008-10-17: Allowed
#   no version: Allowed
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @cloud-copilot/iam-simulate@0.1.173 >log 2>&1 || { cat log >&2; exit 1; }
cat > ask.mjs <<'JS'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for (const version of ['2012-10-17', '2008-10-17', undefined]) {
  const policy = { Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::docs/${aws:username}/*' }] }
  if (version) policy.Version = version
  const answer = await runSimulation({
    request: {
      principal: 'arn:aws:iam::111122223333:user/ana', action: 's3:GetObject',
      resource: { resource: 'arn:aws:s3:::docs/ana/a', accountId: '111122223333' }, contextVariables: { 'aws:username': 'ana' },
    },
    serviceControlPolicies: [], resourceControlPolicies: [], identityPolicies: [{ name: 'own folder', policy }],
  }, {})
  console.log(`${version ?? 'no version'}: ${answer.overallResult ?? JSON.stringify(answer)}`)
}
JS
seen=$(node ask.mjs)
echo "$seen"
wanted='2012-10-17: Allowed
2008-10-17: Allowed
no version: Allowed'
test "$seen" = "$wanted" || { echo "changed" >&2; exit 1; }
