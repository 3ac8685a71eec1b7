#!/usr/bin/env bash
# cfn-resolver-lib 1.1.8: a property that is taken out by AWS::NoValue becomes the text "AWS::NoValue".
#
# Guess: a library that computes the exact values with which a template is deployed leaves out what AWS::NoValue takes
# out, writes ${!Name} in Fn::Sub as ${Name}, and drops resources whose condition is false.
# Behaviour: it does none of the three. A test that asserts on its result checks a bucket by the name "AWS::NoValue",
# a text with the exclamation mark still in it, and a resource that is never created.
# Seen:
#   BucketName: AWS::NoValue
#   Tags: ["AWS::NoValue",{"Key":"gone"}]
#   Literal: ${!Name}-eu-central-1
#   the resource under a false condition is there: true
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts cfn-resolver-lib@1.1.8 >log 2>&1 || { cat log >&2; exit 1; }
echo "cfn-resolver-lib $(node -p 'JSON.parse(require("fs").readFileSync("node_modules/cfn-resolver-lib/package.json")).version')"
cat > main.cjs <<'JS'
const Evaluator = require('cfn-resolver-lib');
const none = { Ref: 'AWS::NoValue' };
const template = {
  Parameters: { Keep: { Type: 'String' } },
  Mappings: {},
  Conditions: { IsKept: { 'Fn::Equals': [{ Ref: 'Keep' }, 'true'] } },
  Resources: {
    Bucket: {
      Type: 'AWS::S3::Bucket',
      Properties: {
        BucketName: { 'Fn::If': ['IsKept', 'docs', none] },
        Tags: [{ 'Fn::If': ['IsKept', { Key: 'kept' }, none] }, { 'Fn::If': ['IsKept', none, { Key: 'gone' }] }],
        Literal: { 'Fn::Sub': '${!Name}-${AWS::Region}' },
      },
    },
    Copy: { Type: 'AWS::S3::Bucket', Condition: 'IsKept' },
  },
};
const resolved = new Evaluator(template, { RefResolvers: { 'AWS::Region': 'eu-central-1', Keep: 'false' } }).evaluateNodes();
const { BucketName, Tags, Literal } = resolved.Resources.Bucket.Properties;
console.log(`BucketName: ${BucketName}\nTags: ${JSON.stringify(Tags)}\nLiteral: ${Literal}`);
console.log(`the resource under a false condition is there: ${'Copy' in resolved.Resources}`);
JS
seen=$(node --no-warnings main.cjs)
echo "$seen"
want='BucketName: AWS::NoValue
Tags: ["AWS::NoValue",{"Key":"gone"}]
Literal: ${!Name}-eu-central-1
the resource under a false condition is there: true'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
