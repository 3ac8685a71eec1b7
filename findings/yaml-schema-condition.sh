#!/usr/bin/env bash
# js-yaml-cloudformation-schema 1.0.0: !Condition becomes a function that CloudFormation does not have.
#
# Guess: a schema for CloudFormation's short forms turns !Ref and !Condition, the two without "Fn::", into {"Ref": …} and
# {"Condition": …}, and !GetAtt into the list that JSON templates need.
# Behaviour: !Condition becomes {"Fn::Condition": …}, which no template may hold, and !GetAtt keeps its text, which is right
# in YAML alone. A template with !Not [!Condition …] that is read and written as JSON cannot be deployed any more.
# Some 740,000 downloads a month; yaml-cfn 0.3.2 does it rightly.
# Seen:
#   js-yaml-cloudformation-schema: {"A":{"Fn::Not":[{"Fn::Condition":"IsKept"}]},"B":{"Ref":"Logs"},"C":{"Fn::GetAtt":"Logs.Arn"}}
#   yaml-cfn: {"A":{"Fn::Not":[{"Condition":"IsKept"}]},"B":{"Ref":"Logs"},"C":{"Fn::GetAtt":["Logs","Arn"]}}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts js-yaml@4.1.0 js-yaml-cloudformation-schema@1.0.0 yaml-cfn@0.3.2 >log 2>&1 || { cat log >&2; exit 1; }
node -p '["js-yaml-cloudformation-schema", "yaml-cfn"].map(name => name + " " + JSON.parse(require("fs").readFileSync("node_modules/" + name + "/package.json")).version).join("\n")'
cat > main.cjs <<'JS'
const text = 'A: !Not [!Condition IsKept]\nB: !Ref Logs\nC: !GetAtt Logs.Arn\n';
const { CLOUDFORMATION_SCHEMA } = require('js-yaml-cloudformation-schema');
console.log(`js-yaml-cloudformation-schema: ${JSON.stringify(require('js-yaml').load(text, { schema: CLOUDFORMATION_SCHEMA }))}`);
console.log(`yaml-cfn: ${JSON.stringify(require('yaml-cfn').yamlParse(text))}`);
JS
seen=$(node --no-warnings main.cjs)
echo "$seen"
want='js-yaml-cloudformation-schema: {"A":{"Fn::Not":[{"Fn::Condition":"IsKept"}]},"B":{"Ref":"Logs"},"C":{"Fn::GetAtt":"Logs.Arn"}}
yaml-cfn: {"A":{"Fn::Not":[{"Condition":"IsKept"}]},"B":{"Ref":"Logs"},"C":{"Fn::GetAtt":["Logs","Arn"]}}'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
