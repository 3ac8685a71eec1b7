package s3

import (
	"encoding/base32"
	"encoding/binary"
	"math/bits"
)

// versionIDs encodes version ids: 32 characters that do not show their order, as in S3.
var versionIDs = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ.01234").WithPadding(base32.NoPadding)

// scramble is odd, so that multiplication by it is reversible.
const scramble = 0x9e3779b97f4a7c15

// id returns the version's id.
func (v version) id() string {
	if v.null {
		return "null"
	}
	return versionID(v.sequence)
}

// versionID encodes a sequence number.
func versionID(sequence uint64) string {
	var raw [20]byte
	mixed := bits.ReverseBytes64(sequence * scramble)
	binary.BigEndian.PutUint64(raw[:], mixed)
	binary.BigEndian.PutUint64(raw[8:], mixed*scramble)
	binary.BigEndian.PutUint32(raw[16:], uint32(mixed>>7))
	return versionIDs.EncodeToString(raw[:])
}

// sequenceOf decodes the sequence number of a version id that is not "null".
func sequenceOf(id string) (uint64, error) {
	raw, err := versionIDs.DecodeString(id)
	if err != nil || len(raw) != 20 {
		return 0, invalidArgument("Invalid version id specified")
	}
	sequence := bits.ReverseBytes64(binary.BigEndian.Uint64(raw)) * unscramble
	if versionID(sequence) != id {
		return 0, invalidArgument("Invalid version id specified")
	}
	return sequence, nil
}

// unscramble is the inverse of scramble modulo 2^64.
var unscramble = inverse(scramble)

// inverse returns the inverse of an odd n modulo 2^64, by Newton's method.
func inverse(n uint64) uint64 {
	x := n
	for range 6 {
		x *= 2 - n*x
	}
	return x
}

// find returns the index of a version in its entry by id, or -1.
func (e *entry) find(id string) (int, error) {
	if id == "null" {
		return e.findNull(), nil
	}
	sequence, err := sequenceOf(id)
	if err != nil {
		return -1, err
	}
	if e != nil {
		for i, v := range e.versions {
			if v.sequence == sequence && !v.null {
				return i, nil
			}
		}
	}
	return -1, nil
}

// findNull returns the index of the null version, or -1.
func (e *entry) findNull() int {
	if e != nil {
		for i, v := range e.versions {
			if v.null {
				return i
			}
		}
	}
	return -1
}

// store adds a version and returns it. While versioning is not enabled, it replaces the null version. A nil object is
// a delete marker.
func (s *Service) store(b *bucket, key string, o *object) version {
	v := version{sequence: s.next(), modified: s.now().UnixNano(), object: o, null: b.versioning.value != enabled}
	if v.null {
		if e := b.index.get(key); e.findNull() >= 0 {
			b.index.remove(e, e.findNull())
		}
	}
	b.index.add(key, v)
	if o != nil {
		b.protection.retain(v)
	}
	return v
}

// deletion is the result of deleting a key or a version.
type deletion struct {
	// versionID is the deleted version, or the new marker; "" without versioning.
	versionID string
	// marker means that a delete marker was made or deleted.
	marker bool
}

// delete deletes one version, or without a version id the key, which with versioning adds a delete marker. Deleting a
// missing version succeeds.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
func (s *Service) delete(b *bucket, key, id string) (deletion, error) {
	e := b.index.get(key)
	if id != "" {
		i, err := e.find(id)
		if err != nil {
			return deletion{}, err
		}
		done := deletion{versionID: id}
		if i >= 0 {
			done.marker = e.versions[i].object == nil
			delete(b.protection.holds, e.versions[i].sequence)
			b.index.remove(e, i)
		}
		return done, nil
	}
	if b.versioning.value == "" {
		if e != nil {
			b.index.remove(e, len(e.versions)-1)
		}
		return deletion{}, nil
	}
	marker := s.store(b, key, nil)
	return deletion{versionID: marker.id(), marker: true}, nil
}
