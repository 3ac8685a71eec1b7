// Runs the handler of CDK's autoDeleteObjects, as aws-cdk-lib ships it, on the bucket of the model. argv: the package's
// folder. The model knows no tags, so the one that the handler asks for is answered here.
const { createRequire } = require("module");
const path = require("path");

const folder = path.resolve(process.argv[1]);
const handler = path.join(folder, "custom-resource-handlers/dist/aws-s3/auto-delete-objects-handler/index.js");
const load = createRequire(handler);
load("@aws-sdk/client-s3").S3.prototype.getBucketTagging = async () => ({
  TagSet: [{ Key: "aws-cdk:auto-delete-objects", Value: "true" }],
});
console.log = () => {};
load(handler).autoDeleteHandler({ RequestType: "Delete", ResourceProperties: { BucketName: "model" } });
