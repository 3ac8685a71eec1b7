terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" { region = "eu-central-1" }
data "aws_caller_identity" "me" {}
resource "aws_vpc" "main" { cidr_block = "10.1.0.0/24" }
resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.main.id
  service_name = "com.amazonaws.eu-central-1.s3"
}
resource "aws_iam_role" "app" {
  name               = "ledger-app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_s3_bucket" "ledger" { bucket = "harbour-ledger-example" }
data "aws_iam_policy_document" "ledger" {
  statement {
    sid       = "DenyPlainHTTP"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.ledger.arn, "${aws_s3_bucket.ledger.arn}/*"]
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
    sid       = "DenyOutside"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::harbour-ledger-example", "arn:aws:s3:::harbour-ledger-example/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = [aws_vpc_endpoint.s3.id]
    }
  }
}
resource "aws_s3_bucket_policy" "ledger" {
  bucket = aws_s3_bucket.ledger.id
  policy = data.aws_iam_policy_document.ledger.json
}
resource "aws_s3_bucket_public_access_block" "ledger" {
  bucket                  = aws_s3_bucket.ledger.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}
resource "aws_s3_bucket_ownership_controls" "ledger" {
  bucket = aws_s3_bucket.ledger.id
  rule { object_ownership = "BucketOwnerEnforced" }
}
resource "aws_s3_bucket" "notes" { bucket_prefix = "harbour-notes-" }
resource "aws_s3_bucket_policy" "notes" {
  bucket = aws_s3_bucket.notes.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Read", Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "${aws_s3_bucket.notes.arn}/*" }] })
}
resource "aws_vpc_endpoint_policy" "s3" {
  vpc_endpoint_id = aws_vpc_endpoint.s3.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "AllowOwnAccount", Effect = "Allow", Principal = "*", Action = "s3:*", Resource = "*",
  Condition = { StringEquals = { "aws:ResourceAccount" = data.aws_caller_identity.me.account_id, "aws:PrincipalAccount" = data.aws_caller_identity.me.account_id } } }] })
}
