package s3

import (
	"slices"
	"strings"
)

// The methods in this file set up and read the stored state without a request: there is no authorisation and no trail
// event. Those that return an error return S3's own, an [api.Error].

// CreateBucket makes a bucket of an account, or of the service's own if account is "".
func (s *Service) CreateBucket(name, account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if account == "" {
		account = s.options.Account
	}
	_, err := s.create(name, account)
	return err
}

// DeleteBucket deletes an empty bucket.
func (s *Service) DeleteBucket(name string) error {
	return s.with(name, func(b *bucket) error { return s.remove(b) })
}

// Buckets returns the sorted names of all buckets of all accounts.
func (s *Service) Buckets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.buckets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Owner returns the account that owns a bucket, or "" if there is no such bucket.
func (s *Service) Owner(name string) (account string) {
	s.with(name, func(b *bucket) error { account = b.owner; return nil })
	return account
}

// PutPolicy sets a bucket policy as S3 does for the bucket's owner: checked, subject to Block Public Access, and
// rewritten.
func (s *Service) PutPolicy(name string, document []byte) error {
	return s.with(name, func(b *bucket) error {
		p, err := s.newPolicy(b, document)
		if err != nil {
			return err
		}
		if p.public && s.blocked(b).BlockPublicPolicy {
			return errAccessDenied
		}
		b.policy.set(p)
		return nil
	})
}

// DeletePolicy removes a bucket's policy.
func (s *Service) DeletePolicy(name string) error {
	return s.with(name, func(b *bucket) error { b.policy.set(nil); return nil })
}

// Policy returns a bucket's policy as S3 stores it, or "".
func (s *Service) Policy(name string) (document string) {
	s.with(name, func(b *bucket) error {
		if p := b.policy.value; p != nil {
			document = p.textWhere(s.exists)
		}
		return nil
	})
	return document
}

// PutPublicAccessBlock sets a bucket's Block Public Access; nil removes it.
func (s *Service) PutPublicAccessBlock(name string, p *PublicAccessBlock) error {
	return s.with(name, func(b *bucket) error { b.block.set(clone(p)); return nil })
}

// PublicAccessBlock returns a bucket's Block Public Access, or nil.
func (s *Service) PublicAccessBlock(name string) (p *PublicAccessBlock) {
	s.with(name, func(b *bucket) error { p = clone(b.block.value); return nil })
	return p
}

// PutAccountPublicAccessBlock sets an account's Block Public Access; nil removes it.
func (s *Service) PutAccountPublicAccessBlock(account string, p *PublicAccessBlock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accountBlock(account).set(clone(p))
}

// PutOwnership sets a bucket's object ownership, e.g. "BucketOwnerEnforced"; "" removes the ownership controls.
func (s *Service) PutOwnership(name, ownership string) error {
	return s.with(name, func(b *bucket) error { b.ownership.set(ownership); return nil })
}

// Ownership returns a bucket's object ownership; "" if it has no ownership controls.
func (s *Service) Ownership(name string) (ownership string) {
	s.with(name, func(b *bucket) error { ownership = b.ownership.value; return nil })
	return ownership
}

// PutVersioning sets a bucket's versioning: "Enabled" or "Suspended".
func (s *Service) PutVersioning(name, status string) error {
	return s.with(name, func(b *bucket) error { b.versioning.set(status); return nil })
}

// Versioning returns a bucket's versioning; "" if it was never enabled.
func (s *Service) Versioning(name string) (status string) {
	s.with(name, func(b *bucket) error { status = b.versioning.value; return nil })
	return status
}

// Encryption returns a bucket's encryption rules as they were written.
func (s *Service) Encryption(name string) (document string) {
	s.with(name, func(b *bucket) error { document = b.encryption.value; return nil })
	return document
}

// Lifecycle returns a bucket's lifecycle rules as they were written; "" if it has none.
func (s *Service) Lifecycle(name string) (document string) {
	s.with(name, func(b *bucket) error { document = b.lifecycle.value; return nil })
	return document
}

// PutEncryption sets a bucket's encryption rules, an XML document ServerSideEncryptionConfiguration.
func (s *Service) PutEncryption(name string, document []byte) error {
	return s.with(name, func(b *bucket) error {
		checked, err := rules(document, "ServerSideEncryptionConfiguration")
		if err == nil {
			b.encryption.set(checked)
		}
		return err
	})
}

// PutLifecycle sets a bucket's lifecycle rules, an XML document LifecycleConfiguration.
func (s *Service) PutLifecycle(name string, document []byte) error {
	return s.with(name, func(b *bucket) error {
		checked, err := rules(document, "LifecycleConfiguration")
		if err == nil {
			b.lifecycle.set(checked)
		}
		return err
	})
}

// PutTags replaces a bucket's tags, including those that begin with "aws:".
func (s *Service) PutTags(name string, tags map[string]string) error {
	return s.with(name, func(b *bucket) error {
		var list []tag
		for key, value := range tags {
			list = append(list, tag{key, value})
		}
		slices.SortFunc(list, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
		b.tags.set(list)
		return nil
	})
}

// Put stores an object as the newest version of its key.
func (s *Service) Put(name, key string, body []byte) error {
	return s.with(name, func(b *bucket) error {
		o, err := newObject(slices.Clone(body), nil)
		if err == nil {
			s.store(b, key, o)
		}
		return err
	})
}

// Object returns the content of a key's newest version, and whether that exists and is not a delete marker.
func (s *Service) Object(name, key string) (body []byte, found bool) {
	s.with(name, func(b *bucket) error {
		if e := b.index.get(key); e != nil && hasObject(e) {
			body, found = slices.Clone(e.latest().object.body), true
		}
		return nil
	})
	return body, found
}

// Keys returns the keys of a bucket that have an object, in S3's order.
func (s *Service) Keys(name string) (keys []string) {
	s.with(name, func(b *bucket) error {
		for e, at := b.index.next(position{}); e != nil; e, at = b.index.next(at) {
			if hasObject(e) {
				keys = append(keys, e.key)
			}
		}
		return nil
	})
	return keys
}

// Versions returns the number of versions and delete markers of a bucket.
func (s *Service) Versions(name string) (n int) {
	s.with(name, func(b *bucket) error { n = b.index.versions; return nil })
	return n
}

// Fill stores an empty object under each of n keys. They share it, so that a million versions take little memory.
func (s *Service) Fill(name string, n int, key func(i int) string) error {
	return s.with(name, func(b *bucket) error {
		o, err := newObject(nil, nil)
		for i := range n {
			s.store(b, key(i), o)
		}
		return err
	})
}

// with calls do with a bucket while the service is locked.
func (s *Service) with(name string, do func(*bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return errNoSuchBucket
	}
	return do(b)
}

// clone returns a copy, or nil for nil.
func clone(p *PublicAccessBlock) *PublicAccessBlock {
	if p == nil {
		return nil
	}
	copied := *p
	return &copied
}
