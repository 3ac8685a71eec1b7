#!/usr/bin/env bash
# @aws-lambda-powertools/parser 2.35.0: S3's notification about an upload over IPv6 is no valid S3 event.
#
# Guess: the schemas of S3's events accept each address from which S3 takes requests, so also the IPv6 addresses of dual-stack and of
# VPC endpoints, and they keep what S3 sends.
# Behaviour: sourceIPAddress must be an IPv4 address or "s3.amazonaws.com", and source-ip-address (EventBridge) an IPv4 address. With
# IPv6 the whole event is refused, all its records, before the handler runs; since S3 does not send it differently the next time, each
# retry fails too. Of an event that is accepted, the parts for replication, lifecycle and access tiers are dropped without an error.
# Seen:
#   notification, from 203.0.113.9: accepted
#   notification, from 2001:db8::1: refused: Records.0.requestParameters.sourceIPAddress
#   EventBridge, from 203.0.113.9: accepted
#   EventBridge, from 2001:db8::1: refused: detail.source-ip-address
#   notification of a failed replication: accepted, its replicationEventData dropped
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts \
	@aws-lambda-powertools/parser@2.35.0 zod@4.6.7 >log 2>&1 || { cat log >&2; exit 1; }
cat > parse.mjs <<'JS'
import { S3EventNotificationEventBridgeSchema, S3Schema } from '@aws-lambda-powertools/parser/schemas/s3'

const parse = (name, schema, event) => {
  const { success, data, error } = schema.safeParse(event)
  console.log(`${name}: ${success ? 'accepted' : 'refused: ' + error.issues.map(issue => issue.path.join('.')).join(' ')}` +
    (success && event.Records?.[0].replicationEventData && !data.Records[0].replicationEventData ? ', its replicationEventData dropped' : ''))
}
const notification = (address, event, more) => ({
  Records: [{
    eventVersion: '2.3', eventSource: 'aws:s3', awsRegion: 'eu-central-1', eventTime: '2026-11-01T12:00:00.000Z', eventName: event,
    userIdentity: { principalId: 'AWS:AROAEXAMPLE' }, requestParameters: { sourceIPAddress: address },
    responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': 'id' },
    s3: {
      s3SchemaVersion: '1.0', configurationId: 'uploads',
      bucket: { name: 'docs', ownerIdentity: { principalId: 'A3NL1KOZZKExample' }, arn: 'arn:aws:s3:::docs' },
      object: { key: 'a.txt', size: 3, eTag: 'd41d8cd98f00b204e9800998ecf8427e', sequencer: '0055AED6DCD90281E5' },
    },
    ...more,
  }],
})
const bridge = address => ({
  version: '0', id: '17793124-05d4-b198-2fde-7ededc63b103', 'detail-type': 'Object Created', source: 'aws.s3',
  account: '111122223333', time: '2026-11-01T12:00:00Z', region: 'eu-central-1', resources: ['arn:aws:s3:::docs'],
  detail: {
    version: '0', bucket: { name: 'docs' },
    object: { key: 'a.txt', size: 3, etag: 'd41d8cd98f00b204e9800998ecf8427e', sequencer: '0055AED6DCD90281E5' },
    'request-id': 'C3D13FE58DE4C810', requester: '111122223333', 'source-ip-address': address, reason: 'PutObject',
  },
})
for (const address of ['203.0.113.9', '2001:db8::1']) {
  parse(`notification, from ${address}`, S3Schema, notification(address, 'ObjectCreated:Put'))
}
for (const address of ['203.0.113.9', '2001:db8::1']) {
  parse(`EventBridge, from ${address}`, S3EventNotificationEventBridgeSchema, bridge(address))
}
parse('notification of a failed replication', S3Schema, notification('s3.amazonaws.com', 'Replication:OperationFailedReplication', {
  replicationEventData: {
    replicationRuleId: 'copy', destinationBucket: 'arn:aws:s3:::copy', s3Operation: 'OBJECT_PUT',
    requestTime: '2026-11-01T11:59:00.000Z', failureReason: 'AssumeRoleNotPermitted',
  },
}))
JS
seen=$(node parse.mjs 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want='notification, from 203.0.113.9: accepted
notification, from 2001:db8::1: refused: Records.0.requestParameters.sourceIPAddress
EventBridge, from 203.0.113.9: accepted
EventBridge, from 2001:db8::1: refused: detail.source-ip-address
notification of a failed replication: accepted, its replicationEventData dropped'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
