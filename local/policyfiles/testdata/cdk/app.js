const cdk = require('aws-cdk-lib');
const s3 = require('aws-cdk-lib/aws-s3');
const ec2 = require('aws-cdk-lib/aws-ec2');
const iam = require('aws-cdk-lib/aws-iam');
const app = new cdk.App({outdir: process.env.OUT || 'cdk.out', analyticsReporting: false, context: {'aws:cdk:enable-path-metadata': false, '@aws-cdk/core:enablePartitionLiterals': true}});

class Archive extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, {...props, synthesizer: new cdk.LegacyStackSynthesizer()});
    const vpc = new ec2.CfnVPC(this, 'Vpc', {cidrBlock: '10.1.0.0/24'});
    const table = new ec2.CfnRouteTable(this, 'Routes', {vpcId: vpc.ref});
    const role = new iam.Role(this, 'Reader', {assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'), roleName: 'archive-reader'});
    const bucket = new s3.Bucket(this, 'Archive', {
      bucketName: 'harbour-archive-example', enforceSSL: true, blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    });
    const endpoint = new ec2.CfnVPCEndpoint(this, 'S3Endpoint', {
      vpcId: vpc.ref, serviceName: cdk.Fn.join('', ['com.amazonaws.', cdk.Aws.REGION, '.s3']), vpcEndpointType: 'Gateway', routeTableIds: [table.ref],
      policyDocument: new iam.PolicyDocument({statements: [new iam.PolicyStatement({
        sid: 'AllowOwnAccount', principals: [new iam.AnyPrincipal()], actions: ['s3:*'], resources: ['*'],
        conditions: {StringEquals: {'aws:ResourceAccount': cdk.Aws.ACCOUNT_ID, 'aws:PrincipalAccount': cdk.Aws.ACCOUNT_ID}},
      })]}),
    });
    const outside = {StringNotEquals: {'aws:SourceVpce': endpoint.ref}};
    const strangers = {ArnNotEquals: {'aws:PrincipalArn': role.roleArn}};
    for (const [sid, conditions] of [['DenyOutside', outside], ['DenyStrangers', strangers]]) {
      bucket.addToResourcePolicy(new iam.PolicyStatement({
        sid: sid + 'Objects', effect: iam.Effect.DENY, principals: [new iam.AnyPrincipal()], actions: ['s3:*'], resources: [bucket.arnForObjects('*')], conditions,
      }));
      bucket.addToResourcePolicy(new iam.PolicyStatement({
        sid: sid + 'Listing', effect: iam.Effect.DENY, principals: [new iam.AnyPrincipal()], actions: ['s3:ListBucket*'], resources: [bucket.bucketArn], conditions,
      }));
    }
  }
}
class Uploads extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, {...props, synthesizer: new cdk.LegacyStackSynthesizer()});
    const bucket = new s3.Bucket(this, 'Uploads', {enforceSSL: true, blockPublicAccess: s3.BlockPublicAccess.BLOCK_ACLS_ONLY || s3.BlockPublicAccess.BLOCK_ACLS});
    bucket.addToResourcePolicy(new iam.PolicyStatement({
      sid: 'OnlyByEndpoint', effect: iam.Effect.DENY, principals: [new iam.AnyPrincipal()], actions: ['s3:*'],
      resources: [bucket.bucketArn, bucket.arnForObjects('*')], conditions: {StringNotEquals: {'aws:SourceVpce': cdk.Fn.importValue('network-S3EndpointId')}},
    }));
    bucket.grantRead(new iam.AccountPrincipal('222233334444'));
  }
}
new Archive(app, 'Archive', {env: {account: '111122223333', region: 'eu-central-1'}});
new Uploads(app, 'Uploads', {});
const stage = new cdk.Stage(app, 'Prod');
new Uploads(stage, 'Uploads', {env: {account: '111122223333', region: 'eu-west-1'}});
app.synth();
