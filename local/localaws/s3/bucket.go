package s3

import (
	"cmp"
	"encoding/xml"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// setting is one part of a bucket's configuration, with its value before the latest write. S3 may return either for a
// while (docs/facts.md, S3).
type setting[T any] struct {
	value, before T
}

// set sets the value.
func (s *setting[T]) set(value T) { s.value, s.before = value, s.value }

// read returns the value, or for a stale read the one before the latest write.
func (s *setting[T]) read(stale bool) T {
	if stale {
		return s.before
	}
	return s.value
}

// initially returns a setting that was never changed.
func initially[T any](value T) setting[T] { return setting[T]{value: value, before: value} }

// bucket is one bucket.
type bucket struct {
	name, owner string
	created     time.Time

	policy     setting[*policy]
	block      setting[*PublicAccessBlock]
	ownership  setting[string]
	acl        setting[string]
	versioning setting[string]
	encryption setting[string]
	lifecycle  setting[string]
	tags       setting[[]tag]
	// inert are the documents of the parts without an effect: see [inert] and [inertList].
	inert map[string]string

	protection protection

	index   index
	uploads map[string]*upload
}

// newBucket returns a bucket with the defaults since April 2023: Block Public Access on, ACLs off, encrypted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
func (s *Service) newBucket(name, owner string) *bucket {
	return &bucket{
		name: name, owner: owner, created: s.now(),
		block:      initially(&PublicAccessBlock{true, true, true, true}),
		ownership:  initially(bucketOwnerEnforced),
		acl:        initially("private"),
		encryption: initially(defaultEncryption),
		inert:      map[string]string{},
		uploads:    map[string]*upload{},
	}
}

// bucketName matches valid bucket names. (The rules against IP addresses and reserved affixes are left out.)
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// create makes a bucket.
func (s *Service) create(name, owner string) (*bucket, error) {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	if there := s.buckets[name]; there != nil && there.owner == owner {
		return nil, refuse(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.")
	} else if there != nil {
		return nil, refuse(http.StatusConflict, "BucketAlreadyExists", "The requested bucket name is not available. "+
			"The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	}
	b := s.newBucket(name, owner)
	s.buckets[name] = b
	return b, nil
}

// remove deletes a bucket without objects, including its unfinished uploads (docs/facts.md, S3).
func (s *Service) remove(b *bucket) error {
	if b.index.versions > 0 {
		return errBucketNotEmpty
	}
	delete(s.buckets, b.name)
	return nil
}

// createNeeds returns the permissions for a bucket that does not exist yet.
func (c *call) createNeeds() []api.Need {
	return []api.Need{{Action: "s3:CreateBucket", Resource: c.service.arn(c.name, ""), ResourceAccount: c.Caller.Account}}
}

// createBucket makes a bucket in the caller's account.
func (c *call) createBucket() (*answer, error) {
	var want struct{ LocationConstraint string }
	if len(c.Body) > 0 && xml.Unmarshal(c.Body, &want) != nil {
		return nil, errMalformedXML
	}
	region := c.service.options.Region
	if want.LocationConstraint != region && region != "us-east-1" {
		return nil, refuse(http.StatusBadRequest, "IllegalLocationConstraintException", "The "+cmp.Or(want.LocationConstraint, "unspecified")+
			" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	acl, err := cannedACL(c.Header.Get("X-Amz-Acl"))
	if err != nil {
		return nil, err
	}
	ownership := cmp.Or(c.Header.Get("X-Amz-Object-Ownership"), bucketOwnerEnforced)
	if acl != "private" && ownership == bucketOwnerEnforced {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership",
			"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	if acl != "private" {
		return nil, errAccessDenied // a new bucket has Block Public Access on
	}
	b, err := c.service.create(c.name, c.Caller.Account)
	if err != nil {
		return nil, err
	}
	b.ownership = initially(ownership)
	if strings.EqualFold(c.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		b.lock()
	}
	return ok().with("Location", "/"+c.name), nil
}

// deleteBucket deletes an empty bucket.
func (c *call) deleteBucket() (*answer, error) {
	if err := c.service.remove(c.bucket); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// headBucket returns the Region of an existing bucket.
func (c *call) headBucket() (*answer, error) {
	return ok().with("X-Amz-Bucket-Region", c.service.options.Region).with("X-Amz-Access-Point-Alias", "false"), nil
}

// getLocation returns a bucket's Region; for us-east-1 it is the empty string.
func (c *call) getLocation() (*answer, error) {
	return asXML(func(d *document) {
		d.root("LocationConstraint")
		if region := c.service.options.Region; region != "us-east-1" {
			d.escape(region)
		}
		d.close("LocationConstraint")
	}), nil
}

// listBuckets lists the buckets of the caller's account by name, all at once or in pages. The token of a page is the name of its
// first bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (c *call) listBuckets() (*answer, error) {
	most := math.MaxInt
	if text := c.query.Get("max-buckets"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return nil, invalidArgument("Argument max-buckets must be an integer between 1 and 10000")
		}
		most = n
	}
	prefix, region, from := c.query.Get("prefix"), c.query.Get("bucket-region"), c.query.Get("continuation-token")
	var own []*bucket
	for _, b := range c.service.buckets {
		if b.owner == c.Caller.Account && strings.HasPrefix(b.name, prefix) && b.name >= from && (region == "" || region == c.service.options.Region) {
			own = append(own, b)
		}
	}
	slices.SortFunc(own, func(a, b *bucket) int { return strings.Compare(a.name, b.name) })
	next := ""
	if len(own) > most {
		own, next = own[:most], own[most].name
	}
	return asXML(func(d *document) {
		d.root("ListAllMyBucketsResult")
		d.owner("Owner", c.Caller.Account)
		d.open("Buckets")
		for _, b := range own {
			d.open("Bucket")
			d.text("Name", b.name)
			d.time("CreationDate", b.created)
			d.text("BucketRegion", c.service.options.Region)
			d.close("Bucket")
		}
		d.close("Buckets")
		d.optional("Prefix", prefix)
		d.optional("ContinuationToken", next)
		d.close("ListAllMyBucketsResult")
	}), nil
}
