package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// bucketForm matches the names of general purpose buckets. Today S3 accepts 3 to 63 lower-case letters, digits, dots
// and hyphens; until March 2018 names in us-east-1 could have upper-case letters, underscores and 255 characters.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketForm = regexp.MustCompile(`^[A-Za-z0-9._-]{3,255}$`)

// otherKinds are the suffixes of names that do not belong to general purpose buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var otherKinds = []struct{ suffix, kind string }{
	{"--x-s3", "a directory bucket"},
	{"--xa-s3", "an access point of a directory bucket"},
	{"--table-s3", "a table bucket"},
	{"-s3alias", "the alias of an access point"},
	{"--ol-s3", "the alias of an Object Lambda access point"},
	{".mrap", "the alias of a Multi-Region Access Point"},
}

// checkBucketName returns why a name cannot be that of a general purpose bucket, and what to write instead.
func checkBucketName(name string) error {
	plain := strings.TrimPrefix(name, "s3://")
	if resource, isARN := bucketARN(plain); isARN {
		if strings.Contains(resource, ":") || strings.HasPrefix(resource, "accesspoint") {
			return fmt.Errorf("--bucket %s: access points are not supported; name the bucket itself", name)
		}
		plain = resource
	}
	bucket, prefix, _ := strings.Cut(plain, "/")
	for _, other := range otherKinds {
		if strings.HasSuffix(bucket, other.suffix) {
			return fmt.Errorf("--bucket %s: this is %s, which is not supported: only general purpose buckets are", name, other.kind)
		}
	}
	switch {
	case !bucketForm.MatchString(bucket):
		return fmt.Errorf("--bucket %q: not the name of a bucket, which has 3 to 63 lower-case letters, digits, dots and hyphens", name)
	case isAddress(bucket):
		return fmt.Errorf("--bucket %s: this is an IP address, which no bucket has for a name", name)
	case prefix != "":
		return fmt.Errorf("--bucket %s: this is more than a name; say --bucket %s --prefix %s", name, bucket, prefix)
	case bucket != name:
		return fmt.Errorf("--bucket %s: this is more than a name; say --bucket %s", name, bucket)
	}
	return nil
}

// bucketARN returns the resource of an S3 ARN.
func bucketARN(text string) (resource string, ok bool) {
	parts := strings.SplitN(text, ":", 6)
	if parts[0] != "arn" || len(parts) != 6 {
		return "", false
	}
	if parts[3] != "" || parts[4] != "" { // a bucket's ARN has neither Region nor account
		return parts[3] + ":" + parts[5], true
	}
	return parts[5], true
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
