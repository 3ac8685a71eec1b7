package s3

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// object is the content of a version and its headers. It is immutable once stored, so that versions can share one.
type object struct {
	body     []byte
	size     int64
	etag     string
	header   map[string]string // by canonical name, as they are returned
	checksum checksum
}

// version is one version of a key. It is small, so that many millions fit into memory.
type version struct {
	// sequence orders versions of a key, and determines the version id.
	sequence uint64
	// modified is in nanoseconds since 1970.
	modified int64
	// object is nil for a delete marker.
	object *object
	// null means that the id is "null": the version was stored while versioning was not enabled.
	null bool
}

// time returns when the version was stored, in whole seconds as in S3.
func (v version) time() time.Time { return time.Unix(0, v.modified).UTC().Truncate(time.Second) }

// entry is a key and its versions, the newest last.
type entry struct {
	key      string
	versions []version
}

// latest returns the newest version.
func (e *entry) latest() version { return e.versions[len(e.versions)-1] }

// maxLeaf is the maximum number of entries of a leaf.
const maxLeaf = 512

// index contains the entries of a bucket in the byte order of their keys. It is a list of leaves of at most maxLeaf
// entries each; the zero value is empty.
type index struct {
	leaves [][]entry
	// versions is the number of versions and delete markers; keys is the number of keys.
	versions, keys int
}

// leaf returns the number of the leaf that contains, or would contain, a key.
func (x *index) leaf(key string) int {
	n, found := slices.BinarySearchFunc(x.leaves, key, func(leaf []entry, key string) int {
		return cmp.Compare(leaf[0].key, key)
	})
	if !found && n > 0 {
		n--
	}
	return n
}

// within returns the position in a leaf of a key, or where it would be.
func within(leaf []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(leaf, key, func(e entry, key string) int { return cmp.Compare(e.key, key) })
}

// get finds a key's entry; nil if it has no versions.
func (x *index) get(key string) *entry {
	if len(x.leaves) == 0 {
		return nil
	}
	leaf := x.leaves[x.leaf(key)]
	if i, found := within(leaf, key); found {
		return &leaf[i]
	}
	return nil
}

// add adds a version as the newest of its key.
func (x *index) add(key string, v version) {
	x.versions++
	if e := x.get(key); e != nil {
		e.versions = append(e.versions, v)
		return
	}
	x.keys++
	e := entry{key: strings.Clone(key), versions: []version{v}}
	if len(x.leaves) == 0 {
		x.leaves = [][]entry{append(make([]entry, 0, maxLeaf), e)}
		return
	}
	n := x.leaf(key)
	i, _ := within(x.leaves[n], key)
	x.leaves[n] = slices.Insert(x.leaves[n], i, e)
	if len(x.leaves[n]) == maxLeaf {
		x.split(n, i == maxLeaf-1)
	}
}

// split splits a leaf. For keys that arrive in ascending order the old leaf remains full.
func (x *index) split(n int, atEnd bool) {
	middle := maxLeaf / 2
	if atEnd {
		middle = maxLeaf - 1
	}
	leaf := x.leaves[n]
	right := append(make([]entry, 0, maxLeaf), leaf[middle:]...)
	clear(leaf[middle:])
	x.leaves[n] = leaf[:middle]
	x.leaves = slices.Insert(x.leaves, n+1, right)
}

// remove removes the i-th version of an entry, and the entry with its last version.
func (x *index) remove(e *entry, i int) {
	x.versions--
	if len(e.versions) > 1 {
		e.versions = slices.Delete(e.versions, i, i+1)
		return
	}
	x.keys--
	n := x.leaf(e.key)
	at, _ := within(x.leaves[n], e.key)
	x.leaves[n] = slices.Delete(x.leaves[n], at, at+1)
	if len(x.leaves[n]) == 0 {
		x.leaves = slices.Delete(x.leaves, n, n+1)
	}
}

// position is a position between two entries.
type position struct {
	leaf, entry int
}

// seek returns the position of the first entry whose key is at least key.
func (x *index) seek(key string) position {
	if len(x.leaves) == 0 {
		return position{}
	}
	n := x.leaf(key)
	i, _ := within(x.leaves[n], key)
	return position{n, i}
}

// next returns the entry at a position, and the position after it; nil at the end.
func (x *index) next(p position) (*entry, position) {
	for p.leaf < len(x.leaves) {
		if p.entry < len(x.leaves[p.leaf]) {
			return &x.leaves[p.leaf][p.entry], position{p.leaf, p.entry + 1}
		}
		p = position{p.leaf + 1, 0}
	}
	return nil, p
}

// after returns the smallest key after all keys that begin with the prefix; "" if there is none.
func after(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
