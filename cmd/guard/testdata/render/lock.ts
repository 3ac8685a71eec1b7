import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** The lock of guard.yaml by bucket: for each of them, bucket.addToResourcePolicy(statement). */
export const bucketLocks: Record<string, PolicyStatement[]> = {
  'quay-docs': [
    PolicyStatement.fromJson({
      "Sid": "DenyPlainHTTP",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": [
        "arn:aws:s3:::quay-docs",
        "arn:aws:s3:::quay-docs/*"
      ],
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "false"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyObjectsOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::quay-docs/*",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyListingOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::quay-docs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*",
            "arn:aws:iam::111122223333:role/terraform"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:CalledViaLast": "cloudformation.amazonaws.com",
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyVersionsOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": [
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions"
      ],
      "Resource": "arn:aws:s3:::quay-docs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyObjectsToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::quay-docs/*",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyListingToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::quay-docs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*",
            "arn:aws:iam::111122223333:role/terraform"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        },
        "StringNotEquals": {
          "aws:CalledViaLast": "cloudformation.amazonaws.com"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyVersionsToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": [
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions"
      ],
      "Resource": "arn:aws:s3:::quay-docs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        }
      }
    }),
  ],
  'pier.logs': [
    PolicyStatement.fromJson({
      "Sid": "DenyPlainHTTP",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": [
        "arn:aws:s3:::pier.logs",
        "arn:aws:s3:::pier.logs/*"
      ],
      "Condition": {
        "Bool": {
          "aws:SecureTransport": "false"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyObjectsOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::pier.logs/*",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyListingOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::pier.logs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*",
            "arn:aws:iam::111122223333:role/terraform"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:CalledViaLast": "cloudformation.amazonaws.com",
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyVersionsOutsideEndpoint",
      "Effect": "Deny",
      "Principal": "*",
      "Action": [
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions"
      ],
      "Resource": "arn:aws:s3:::pier.logs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false",
          "aws:ViaAWSService": "false"
        },
        "NotIpAddress": {
          "aws:SourceIp": "203.0.113.0/24"
        },
        "StringNotEquals": {
          "aws:SourceVpce": [
            "vpce-0a1b2c3d4e5f60718",
            "vpce-0b1b2c3d4e5f60718"
          ]
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyObjectsToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::pier.logs/*",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyListingToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::pier.logs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*",
            "arn:aws:iam::111122223333:role/terraform"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        },
        "StringNotEquals": {
          "aws:CalledViaLast": "cloudformation.amazonaws.com"
        }
      }
    }),
    PolicyStatement.fromJson({
      "Sid": "DenyVersionsToStrangers",
      "Effect": "Deny",
      "Principal": "*",
      "Action": [
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions"
      ],
      "Resource": "arn:aws:s3:::pier.logs",
      "Condition": {
        "ArnNotEquals": {
          "aws:PrincipalArn": [
            "arn:aws:iam::111122223333:role/quay-app",
            "arn:aws:iam::111122223333:role/backup",
            "arn:aws:iam::111122223333:role/aws-service-role/*"
          ]
        },
        "BoolIfExists": {
          "aws:PrincipalIsAWSService": "false"
        }
      }
    }),
  ],
};

/** For each of them, endpoint.addToPolicy(statement): vpce-0a1b2c3d4e5f60718, vpce-0b1b2c3d4e5f60718. */
export const endpointLock: PolicyStatement[] = [
  PolicyStatement.fromJson({
    "Sid": "AllowOwnAccount",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [
      "arn:aws:s3:::quay-docs",
      "arn:aws:s3:::quay-docs/*",
      "arn:aws:s3:::pier.logs",
      "arn:aws:s3:::pier.logs/*"
    ],
    "Condition": {
      "StringEquals": {
        "aws:PrincipalAccount": "111122223333",
        "aws:ResourceAccount": "111122223333"
      }
    }
  }),
  PolicyStatement.fromJson({
    "Sid": "AllowAWSServices",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {
      "Bool": {
        "aws:PrincipalIsAWSService": "true"
      }
    }
  }),
  PolicyStatement.fromJson({
    "Sid": "AllowAWSBuckets",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*"
  }),
];
