#!/usr/bin/env bash
# aws-cdk-lib 2.276.0: the function behind autoDeleteObjects reports success for versions that S3 refused to delete.
#
# Guess: autoDeleteObjects fails, and names an object, if S3 does not delete it, e.g. because Object Lock protects it or a policy denies
# s3:DeleteObjectVersion.
# Behaviour: S3 answers such a DeleteObjects with 200 and an Error per object. The function does not read them: it is done as soon as the
# page of the listing was the last one, and CloudFormation is told SUCCESS for a bucket that is not empty. Only the deletion of the
# bucket fails after that, with BucketNotEmpty and without a key; the function's log does not contain one either.
# Seen:
#   S3: deleted a.txt, AccessDenied for b.txt
#   the function: done
#   versions that are left: 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts \
	aws-cdk-lib@2.276.0 @aws-sdk/client-s3@3.1169.0 >log 2>&1 || { cat log >&2; exit 1; }
cat > empty.js <<'JS'
const http = require('http')

const versions = new Set(['a.txt', 'b.txt'])
const locked = 'b.txt'

// answer is what S3 answers to the function's requests for a bucket with two versions, one of which Object Lock retains.
function answer (method, query, body) {
  if (query.has('tagging')) {
    return '<Tagging><TagSet><Tag><Key>aws-cdk:auto-delete-objects</Key><Value>true</Value></Tag></TagSet></Tagging>'
  }
  if (query.has('policy')) return method === 'GET' ? '{"Version":"2012-10-17","Statement":[]}' : ''
  if (query.has('versions')) {
    const entries = [...versions].map(key => `<Version><Key>${key}</Key><VersionId>v1</VersionId></Version>`)
    return `<ListVersionsResult><IsTruncated>false</IsTruncated>${entries.join('')}</ListVersionsResult>`
  }
  const results = []
  const said = []
  for (const [, key] of body.matchAll(/<Key>(.*?)<\/Key>/g)) {
    if (key === locked) {
      results.push(`<Error><Key>${key}</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
      said.push('AccessDenied for ' + key)
    } else {
      versions.delete(key)
      results.push(`<Deleted><Key>${key}</Key><VersionId>v1</VersionId></Deleted>`)
      said.push('deleted ' + key)
    }
  }
  console.log('S3: ' + said.join(', '))
  return `<DeleteResult>${results.join('')}</DeleteResult>`
}

const server = http.createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  response.end(answer(request.method, new URL(request.url, 'http://localhost').searchParams, body))
})
server.listen(0, '127.0.0.1', async () => {
  process.env.AWS_ENDPOINT_URL_S3 = `http://127.0.0.1:${server.address().port}`
  const { autoDeleteHandler } = require('./node_modules/aws-cdk-lib/custom-resource-handlers/dist/aws-s3/auto-delete-objects-handler')
  await autoDeleteHandler({ RequestType: 'Delete', ResourceProperties: { BucketName: 'docs' } }).then(
    () => console.log('the function: done'), error => console.log('the function: ' + error.name))
  console.log('versions that are left: ' + versions.size)
  server.closeAllConnections()
  server.close()
})
JS
seen=$(AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true node empty.js 2>log) ||
	{ cat log >&2; exit 1; }
echo "$seen"
want='S3: deleted a.txt, AccessDenied for b.txt
the function: done
versions that are left: 1'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
