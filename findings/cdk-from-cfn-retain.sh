#!/usr/bin/env bash
# cdk-from-cfn 0.334.0: of a bucket that a template retains, C# code retains nothing, and TypeScript and Python code half of it.
#
# Guess: the library behind "cdk migrate" keeps DeletionPolicy and UpdateReplacePolicy in each language, or refuses a template with what
# it does not know. Its list of features names the deletion policy as implemented.
# Behaviour: it depends on the language. TypeScript and Python set DeletionPolicy only, so after a change that replaces the bucket (its
# name) CloudFormation deletes the old one. C# sets neither: CloudFormation deletes the bucket with its stack, too. (It can delete only
# an empty bucket, but resources of other types with their content.) Java's applyRemovalPolicy sets both. No call warns.
# Seen:
#   the template: DeletionPolicy yes, UpdateReplacePolicy yes
#   typescript: DeletionPolicy yes, UpdateReplacePolicy no
#   python: DeletionPolicy yes, UpdateReplacePolicy no
#   java: DeletionPolicy yes, UpdateReplacePolicy yes
#   csharp: DeletionPolicy no, UpdateReplacePolicy no
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts cdk-from-cfn@0.334.0 >log 2>&1 || { cat log >&2; exit 1; }
cat > migrate.js <<'JS'
const { transmute } = require('cdk-from-cfn')

const template = JSON.stringify({
  Resources: {
    Docs: { Type: 'AWS::S3::Bucket', DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain', Properties: { BucketName: 'acme-docs' } },
  },
})
// say prints which of both policies a text sets. A removal policy of CDK sets both.
const say = (name, text) => {
  const sets = policy => policy.test(text) || /applyRemovalPolicy\(RemovalPolicy\.RETAIN\)/i.test(text) ? 'yes' : 'no'
  console.log(`${name}: DeletionPolicy ${sets(/deletion_?policy/i)}, UpdateReplacePolicy ${sets(/update_?replace_?policy/i)}`)
}
say('the template', template)
for (const language of ['typescript', 'python', 'java', 'csharp']) {
  const code = transmute(template, language, 'DocsStack', 'stack')
  if (!code.includes('acme-docs')) throw new Error(language + ': the code does not make the bucket')
  say(language, code)
}
JS
seen=$(node migrate.js)
echo "$seen"
want='the template: DeletionPolicy yes, UpdateReplacePolicy yes
typescript: DeletionPolicy yes, UpdateReplacePolicy no
python: DeletionPolicy yes, UpdateReplacePolicy no
java: DeletionPolicy yes, UpdateReplacePolicy yes
csharp: DeletionPolicy no, UpdateReplacePolicy no'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
