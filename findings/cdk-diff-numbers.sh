#!/usr/bin/env bash
# @aws-cdk/cloudformation-diff 2.187.5: an engine's version 10.1 and its version 10.10 are no difference.
#
# Guess: the library behind "cdk diff" compares strings as strings; only a number and the same number as a string are
# equal, as they are for CloudFormation.
# Behaviour: two strings that both read as numbers are compared as numbers. "10.1" and "10.10" are equal, and so are an account's
# id with and without its leading zero: the diff of a template that changes them is empty, and the deployment changes them.
# Three-part versions are compared rightly.
# Seen:
#   10.1 and 10.10: no difference
#   012345678901 and 12345678901: no difference
#   10.1.1 and 10.1.10: 1 difference
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @aws-cdk/cloudformation-diff@2.187.5 >log 2>&1 || { cat log >&2; exit 1; }
echo "@aws-cdk/cloudformation-diff $(node -p 'JSON.parse(require("fs").readFileSync("node_modules/@aws-cdk/cloudformation-diff/package.json")).version')"
cat > main.cjs <<'JS'
const { fullDiff } = require('@aws-cdk/cloudformation-diff');
const template = value => ({ Resources: { Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: value } } } });
for (const [before, after] of [['10.1', '10.10'], ['012345678901', '12345678901'], ['10.1.1', '10.1.10']]) {
  const diff = fullDiff(template(before), template(after));
  console.log(`${before} and ${after}: ${diff.isEmpty ? 'no' : diff.differenceCount} difference`);
}
JS
seen=$(node --no-warnings main.cjs)
echo "$seen"
want='10.1 and 10.10: no difference
012345678901 and 12345678901: no difference
10.1.1 and 10.1.10: 1 difference'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
