package main

import (
	"strings"
	"testing"
)

func TestBucketNamesAreChecked(t *testing.T) {
	for name, says := range map[string]string{
		"docs":                         "",
		"docs.example-1":               "",
		"Legacy_Bucket.of-us-east-1":   "",
		strings.Repeat("n", 255):       "",
		"s3://docs":                    "say --bucket docs",
		"s3://docs/":                   "say --bucket docs",
		"docs/":                        "say --bucket docs",
		"docs/logs/2024/":              "say --bucket docs --prefix logs/2024/",
		"s3://docs/logs/":              "say --bucket docs --prefix logs/",
		"arn:aws:s3:::docs":            "say --bucket docs",
		"arn:aws-cn:s3:::docs/logs/*":  "say --bucket docs --prefix logs/*",
		"docs--use1-az4--x-s3":         "this is a directory bucket, which is not supported",
		"s3://docs--use1-az4--x-s3/a":  "this is a directory bucket, which is not supported",
		"docs--use1-az4--xa-s3":        "an access point of a directory bucket",
		"docs--table-s3":               "a table bucket",
		"docs-abcdefghijklmno-s3alias": "the alias of an access point, which is not supported",
		"docs-abcdefghijklmn--ol-s3":   "the alias of an Object Lambda access point",
		"mfzwi23gnjvgw.mrap":           "the alias of a Multi-Region Access Point",
		"arn:aws:s3:eu-central-1:111122223333:accesspoint/docs":                                     "access points are not supported; name the bucket itself",
		"arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap":                                   "access points are not supported",
		"arn:aws:s3-outposts:eu-central-1:111122223333:outpost/op-01ac5d28a6a232904/bucket/example": "access points are not supported",
		"do":                          "3 to 63 lower-case letters",
		"..":                          "3 to 63 lower-case letters",
		strings.Repeat("n", 256):      "3 to 63 lower-case letters",
		"docs example":                "3 to 63 lower-case letters",
		"döcs":                        "3 to 63 lower-case letters",
		"https://docs.s3.example.com": "3 to 63 lower-case letters",
		"arn:aws:s3":                  "3 to 63 lower-case letters",
		"docs?versions":               "3 to 63 lower-case letters",
		"192.168.5.4":                 "an IP address",
	} {
		err := checkBucketName(name)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "--bucket ")) {
			t.Errorf("checkBucketName(%q) = %v, want %q", name, err, says)
		}
	}
}
