package emptying

import (
	"context"
	"time"
	"unicode/utf8"
)

// Inventory is what a bucket holds.
type Inventory struct {
	// Versions are object versions, Markers delete markers, and Bytes is the size of the versions.
	Versions, Markers, Bytes int64
	// Uploads are unfinished uploads.
	Uploads int64
	// Lists is how many list requests were made.
	Lists int64
	// Protection is what can keep versions from being deleted.
	Protection Protection
}

func (i *Inventory) add(sizes []int64) {
	for _, size := range sizes {
		if size < 0 {
			i.Markers++
			continue
		}
		i.Versions++
		i.Bytes += size
	}
}

// Count lists what [Run] would delete, and deletes nothing.
func Count(ctx context.Context, o Options) (Inventory, error) {
	if !utf8.ValidString(o.Prefix) {
		return Inventory{}, errPrefix
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{Options: o, began: time.Now(), cancel: cancel}
	inventory := Inventory{}
	var err error
	if inventory.Protection, err = r.protection(ctx); err != nil {
		return inventory, err
	}
	err = r.eachUploadPage(ctx, func(page []Upload) error { inventory.Uploads += int64(len(page)); return nil })
	if err != nil {
		return inventory, err
	}
	s := r.newPass()
	s.inventory = &inventory
	err = s.do(ctx)
	inventory.Lists = r.count.lists.Load()
	return inventory, err
}
