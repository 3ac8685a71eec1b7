terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" { region = "eu-central-1" }
variable "step" {
  type    = number
  default = 1
}
resource "aws_vpc" "main" { cidr_block = "10.1.0.0/24" }
resource "aws_vpc_endpoint" "s3" {
  vpc_id       = aws_vpc.main.id
  service_name = "com.amazonaws.eu-central-1.s3"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "AllowOwnAccount", Effect = "Allow", Principal = "*", Action = "s3:*", Resource = "*",
  Condition = { StringEquals = { "aws:ResourceAccount" = "111122223333", "aws:PrincipalAccount" = "111122223333" } } }] })
}
resource "aws_iam_role" "app" {
  name               = "ledger-app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
module "bucket" {
  for_each  = { letters = false, ledger = var.step == 2 }
  source    = "./share"
  name      = "harbour-${each.key}-example"
  endpoints = [aws_vpc_endpoint.s3.id]
  readers   = [aws_iam_role.app.arn]
  open      = each.value
}
resource "aws_s3_bucket" "old" {
  bucket = "harbour-old-example"
}
resource "aws_s3_bucket_policy" "old" {
  count  = var.step == 1 ? 1 : 0
  bucket = aws_s3_bucket.old.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "DenyAll", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = "${aws_s3_bucket.old.arn}/*", Condition = { StringNotEquals = { "aws:SourceVpce" = aws_vpc_endpoint.s3.id } } }] })
}
