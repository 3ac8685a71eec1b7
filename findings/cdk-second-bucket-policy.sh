#!/usr/bin/env bash
# aws-cdk-lib 2.276.0: extending the bucket policy of an included template makes a second bucket policy for the same bucket.
#
# Guess: BucketPolicy.fromCfnBucketPolicy ("Create a mutable BucketPolicy from a CfnBucketPolicy") makes the template's own resource
# mutable: a statement that is added to its document is in that resource of the synthesised template.
# Behaviour: the resource stays as it was, and beside it comes another AWS::S3::BucketPolicy for the same bucket with a copy of the
# statements and the new one. A bucket has one policy, so which of both documents S3 holds at the end, with or without the added
# Deny, is not in the template. The copy also lost its Id and has the language version 2012-10-17 instead of 2008-10-17, in which
# ${aws:username} was plain text. With Bucket.fromCfnBucket the result is a second resource as well. The call succeeds; CDK's validation
# of the finished template warns that two resources target one bucket (E3019), and does not fail by default.
# Seen:
#   policies for the bucket Docs: 2
#   the template's: version 2008-10-17, Id home, Allow
#   the new one: version 2012-10-17, no Id, Allow Deny
#   the added Deny by Bucket.fromCfnBucket: policies for the bucket Docs: 2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts aws-cdk-lib@2.276.0 constructs@10.8.1 >log 2>&1 || { cat log >&2; exit 1; }
cat > template.json <<'JSON'
{"Resources": {
  "Docs": {"Type": "AWS::S3::Bucket"},
  "Home": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Docs"}, "PolicyDocument": {
    "Version": "2008-10-17", "Id": "home", "Statement": [{
      "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
      "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${Docs.Arn}/${!aws:username}/*"}}]}}}
}}
JSON
cat > app.js <<'JS'
const { App, Stack } = require('aws-cdk-lib')
const { AnyPrincipal, Effect, PolicyStatement } = require('aws-cdk-lib/aws-iam')
const { Bucket, BucketPolicy } = require('aws-cdk-lib/aws-s3')
const { CfnInclude } = require('aws-cdk-lib/cloudformation-include')

// policies includes the template, lets change add the lock to it, and returns the bucket policies of the synthesised template.
function policies (change) {
  const app = new App({ outdir: 'out' })
  const stack = new Stack(app, 'Stack')
  change(new CfnInclude(stack, 'Included', { templateFile: 'template.json' }), new PolicyStatement({
    effect: Effect.DENY, principals: [new AnyPrincipal()], actions: ['s3:*'], resources: ['*'],
    conditions: { StringNotEquals: { 'aws:SourceVpce': 'vpce-0123456789abcdef0' } },
  }))
  const resources = Object.entries(app.synth().getStackByName('Stack').template.Resources)
  return resources.filter(([, { Type, Properties }]) => Type === 'AWS::S3::BucketPolicy' && Properties.Bucket.Ref === 'Docs')
}

const found = policies((template, lock) => BucketPolicy.fromCfnBucketPolicy(template.getResource('Home')).document.addStatements(lock))
console.log(`policies for the bucket Docs: ${found.length}`)
for (const [id, { Properties: { PolicyDocument: document } }] of found) {
  const effects = document.Statement.map(statement => statement.Effect).join(' ')
  const name = id === 'Home' ? "the template's" : 'the new one'
  console.log(`${name}: version ${document.Version}, ${document.Id ? 'Id ' + document.Id : 'no Id'}, ${effects}`)
}
const other = policies((template, lock) => Bucket.fromCfnBucket(template.getResource('Docs')).addToResourcePolicy(lock))
console.log(`the added Deny by Bucket.fromCfnBucket: policies for the bucket Docs: ${other.length}`)
JS
seen=$(TMPDIR=$dir node app.js 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want="policies for the bucket Docs: 2
the template's: version 2008-10-17, Id home, Allow
the new one: version 2012-10-17, no Id, Allow Deny
the added Deny by Bucket.fromCfnBucket: policies for the bucket Docs: 2"
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
