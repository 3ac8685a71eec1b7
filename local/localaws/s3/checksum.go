package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
)

// checksum is a checksum of an object's content. The zero value means no checksum.
type checksum struct {
	// header is the checksum's header, value its value in base64.
	header, value string
}

// checksums are the algorithms, by the header of their checksums, in S3's order of preference.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
var checksums = []struct {
	name, header, element string
	new                   func() hash.Hash
}{
	{"CRC64NVME", "X-Amz-Checksum-Crc64nvme", "ChecksumCRC64NVME", func() hash.Hash { return crc64.New(nvme) }},
	{"CRC32", "X-Amz-Checksum-Crc32", "ChecksumCRC32", func() hash.Hash { return crc32.NewIEEE() }},
	{"CRC32C", "X-Amz-Checksum-Crc32c", "ChecksumCRC32C", func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
	{"SHA256", "X-Amz-Checksum-Sha256", "ChecksumSHA256", sha256.New},
	{"SHA1", "X-Amz-Checksum-Sha1", "ChecksumSHA1", sha1.New},
}

// nvme is the table for CRC-64/NVME.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// verified compares a body with the checksums in its headers. It returns the one to store with the content, which S3
// computes itself if the caller sent none.
func verified(header http.Header, body []byte) (checksum, error) {
	if sum := header.Get("Content-Md5"); sum != "" && sum != digest(md5.New(), body) {
		return checksum{}, errBadDigest
	}
	for _, algorithm := range checksums {
		if sum := header.Get(algorithm.header); sum != "" {
			if sum != digest(algorithm.new(), body) {
				return checksum{}, errBadDigest
			}
			return checksum{header: algorithm.header, value: sum}, nil
		}
	}
	return checksum{header: checksums[0].header, value: digest(checksums[0].new(), body)}, nil
}

// digest returns a body's hash in base64.
func digest(h hash.Hash, body []byte) string {
	h.Write(body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// hasChecksum reports whether a request has a checksum of its body.
func hasChecksum(header http.Header) bool {
	for _, algorithm := range checksums {
		if header.Get(algorithm.header) != "" {
			return true
		}
	}
	return header.Get("Content-Md5") != ""
}

// element returns the name of the XML element for the checksum.
func (c checksum) element() string {
	for _, algorithm := range checksums {
		if algorithm.header == c.header {
			return algorithm.element
		}
	}
	return ""
}
