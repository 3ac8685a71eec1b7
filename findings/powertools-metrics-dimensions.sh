#!/usr/bin/env bash
# @aws-lambda-powertools/metrics 2.36.0: the 101st metric loses its dimensions.
#
# Guess: a line of CloudWatch's embedded metric format holds 100 metrics; who adds 250 gets three lines, each with the
# dimension and the metadata that were added before.
# Behaviour: at the 100th metric the library writes a line by itself and forgets the added dimensions and metadata
# with it. The other 150 metrics go into another series, without the dimension: alarms and dashboards that ask for it see 100.
# aws-embedded-metrics 4.2.1 keeps the dimension in every line.
# Seen:
#   powertools: 100 metrics by service,bucket; 100 metrics by service; 50 metrics by service
#   aws-embedded-metrics: 100 metrics by bucket; 100 metrics by bucket; 50 metrics by bucket
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @aws-lambda-powertools/metrics@2.36.0 aws-embedded-metrics@4.2.1 >log 2>&1 || { cat log >&2; exit 1; }
node -p '["@aws-lambda-powertools/metrics", "aws-embedded-metrics"].map(name => name + " " + JSON.parse(require("fs").readFileSync("node_modules/" + name + "/package.json")).version).join("\n")'
cat > main.cjs <<'JS'
const { Metrics, MetricUnit } = require('@aws-lambda-powertools/metrics');
const { MetricsContext } = require('aws-embedded-metrics/lib/logger/MetricsContext');
const { LogSerializer } = require('aws-embedded-metrics/lib/serializers/LogSerializer');

const describe = lines => lines.map(line => JSON.parse(line)._aws.CloudWatchMetrics[0])
  .map(directive => `${directive.Metrics.length} metrics by ${directive.Dimensions[0].join()}`).join('; ');

const lines = [];
const print = console.log;
const metrics = new Metrics({ namespace: 'example', serviceName: 'guard' });
metrics.console = console;
console.log = line => lines.push(line);
metrics.addDimension('bucket', 'docs');
for (let i = 0; i < 250; i++) metrics.addMetric(`metric${i}`, MetricUnit.Count, 1);
metrics.publishStoredMetrics();
console.log = print;
console.log(`powertools: ${describe(lines)}`);

const context = MetricsContext.empty();
context.putDimensions({ bucket: 'docs' });
for (let i = 0; i < 250; i++) context.putMetric(`metric${i}`, 1, 'Count');
console.log(`aws-embedded-metrics: ${describe(new LogSerializer().serialize(context))}`);
JS
seen=$(env -u AWS_LAMBDA_FUNCTION_NAME node main.cjs)
echo "$seen"
want='powertools: 100 metrics by service,bucket; 100 metrics by service; 50 metrics by service
aws-embedded-metrics: 100 metrics by bucket; 100 metrics by bucket; 50 metrics by bucket'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
