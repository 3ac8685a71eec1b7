package s3

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// object is the content of a version and what was said about it. It does not change once stored, so that versions can
// share one.
type object struct {
	body     []byte
	size     int64
	etag     string
	header   map[string]string // by canonical name, as they are returned
	checksum checksum
}

// version is one version of a key. Many million of them fit into memory.
type version struct {
	// sequence orders versions of a key, and makes up the version id.
	sequence uint64
	// modified is in nanoseconds since 1970.
	modified int64
	// object is nil for a delete marker.
	object *object
	// null is a version whose id is "null", for it was stored while versioning was not enabled.
	null bool
}

// time is when the version was stored. S3 keeps whole seconds.
func (v version) time() time.Time { return time.Unix(0, v.modified).UTC().Truncate(time.Second) }

// entry is a key and its versions, the newest last.
type entry struct {
	key      string
	versions []version
}

// latest is the newest version.
func (e *entry) latest() version { return e.versions[len(e.versions)-1] }

// maxLeaf is how many entries a leaf holds before it is split.
const maxLeaf = 512

// index holds the entries of a bucket in the order of their keys, which is that of their bytes. It is a list of leaves
// of at most maxLeaf entries each; the zero value is empty.
type index struct {
	leaves [][]entry
	// versions counts versions and delete markers; keys those that have any.
	versions, keys int
}

// leaf is the number of the leaf in which a key is, or would be.
func (x *index) leaf(key string) int {
	n, found := slices.BinarySearchFunc(x.leaves, key, func(leaf []entry, key string) int {
		return cmp.Compare(leaf[0].key, key)
	})
	if !found && n > 0 {
		n--
	}
	return n
}

// within is the place in a leaf where a key is, or would be.
func within(leaf []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(leaf, key, func(e entry, key string) int { return cmp.Compare(e.key, key) })
}

// get finds a key's entry; nil when it has no versions.
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

// add puts a version in as the newest of its key.
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

// split makes two leaves of one. Keys that arrive in their order leave full leaves behind them.
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

// remove takes the i-th version of an entry out, and the entry when it was the last one.
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

// position is a place between two entries.
type position struct {
	leaf, entry int
}

// seek is the place of the first entry whose key is at least this one.
func (x *index) seek(key string) position {
	if len(x.leaves) == 0 {
		return position{}
	}
	n := x.leaf(key)
	i, _ := within(x.leaves[n], key)
	return position{n, i}
}

// next is the entry at a place, and the place after it; nil at the end.
func (x *index) next(p position) (*entry, position) {
	for p.leaf < len(x.leaves) {
		if p.entry < len(x.leaves[p.leaf]) {
			return &x.leaves[p.leaf][p.entry], position{p.leaf, p.entry + 1}
		}
		p = position{p.leaf + 1, 0}
	}
	return nil, p
}

// after is the smallest key that does not begin with the prefix and comes after all that do; "" when there is none.
func after(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}
