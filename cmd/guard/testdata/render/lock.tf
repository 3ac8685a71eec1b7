# The lock of guard.yaml. Combine it with your own statements:
#
#   data "aws_iam_policy_document" "mine" {
#     source_policy_documents = [data.aws_iam_policy_document.<name below>.json]
#     # your own statements
#   }

# For aws_s3_bucket_policy of quay-docs.
data "aws_iam_policy_document" "lock_quay-docs" {
  statement {
    sid       = "DenyPlainHTTP"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::quay-docs", "arn:aws:s3:::quay-docs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyObjectsOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::quay-docs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyListingOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::quay-docs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/terraform"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:CalledViaLast"
      values   = ["cloudformation.amazonaws.com"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyVersionsOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]
    resources = ["arn:aws:s3:::quay-docs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyObjectsToStrangers"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::quay-docs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyListingToStrangers"
    effect    = "Deny"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::quay-docs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app", "arn:aws:iam::111122223333:role/terraform"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:CalledViaLast"
      values   = ["cloudformation.amazonaws.com"]
    }
  }

  statement {
    sid       = "DenyVersionsToStrangers"
    effect    = "Deny"
    actions   = ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]
    resources = ["arn:aws:s3:::quay-docs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
  }
}

# For aws_s3_bucket_policy of pier.logs.
data "aws_iam_policy_document" "lock_pier_logs" {
  statement {
    sid       = "DenyPlainHTTP"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::pier.logs", "arn:aws:s3:::pier.logs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyObjectsOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::pier.logs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyListingOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::pier.logs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/terraform"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:CalledViaLast"
      values   = ["cloudformation.amazonaws.com"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyVersionsOutsideEndpoint"
    effect    = "Deny"
    actions   = ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]
    resources = ["arn:aws:s3:::pier.logs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:ViaAWSService"
      values   = ["false"]
    }
    condition {
      test     = "NotIpAddress"
      variable = "aws:SourceIp"
      values   = ["203.0.113.0/24"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = ["vpce-0a1b2c3d4e5f60718", "vpce-0b1b2c3d4e5f60718"]
    }
  }

  statement {
    sid       = "DenyObjectsToStrangers"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::pier.logs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyListingToStrangers"
    effect    = "Deny"
    actions   = ["s3:ListBucket"]
    resources = ["arn:aws:s3:::pier.logs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app", "arn:aws:iam::111122223333:role/terraform"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:CalledViaLast"
      values   = ["cloudformation.amazonaws.com"]
    }
  }

  statement {
    sid       = "DenyVersionsToStrangers"
    effect    = "Deny"
    actions   = ["s3:ListBucketMultipartUploads", "s3:ListBucketVersions"]
    resources = ["arn:aws:s3:::pier.logs"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = ["arn:aws:iam::111122223333:role/aws-service-role/*", "arn:aws:iam::111122223333:role/backup", "arn:aws:iam::111122223333:role/quay-app"]
    }
    condition {
      test     = "BoolIfExists"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
  }
}

# For aws_vpc_endpoint_policy of vpce-0a1b2c3d4e5f60718, vpce-0b1b2c3d4e5f60718.
data "aws_iam_policy_document" "lock_endpoint" {
  statement {
    sid       = "AllowOwnAccount"
    effect    = "Allow"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::pier.logs", "arn:aws:s3:::pier.logs/*", "arn:aws:s3:::quay-docs", "arn:aws:s3:::quay-docs/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = ["111122223333"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = ["111122223333"]
    }
  }

  statement {
    sid       = "AllowAWSServices"
    effect    = "Allow"
    actions   = ["s3:*"]
    resources = ["*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:PrincipalIsAWSService"
      values   = ["true"]
    }
  }

  statement {
    sid       = "AllowAWSBuckets"
    effect    = "Allow"
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}
