package emptying

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// aborters is how many uploads are aborted at a time.
const aborters = 32

// abortUploads aborts the unfinished uploads. An upload that cannot be aborted counts as left over: it costs money as
// long as the bucket exists, and could still become an object (docs/facts.md: S3).
func (r *run) abortUploads(ctx context.Context) error {
	return r.eachUploadPage(ctx, func(page []Upload) error {
		for _, upload := range page {
			v := Version{Key: upload.Key, ID: upload.ID}
			r.uploads.meet(v, hashOf(v, 0))
		}
		return r.abortPage(ctx, page)
	})
}

// eachUploadPage lists the unfinished uploads and calls do with those of each page that are under the prefix.
func (r *run) eachUploadPage(ctx context.Context, do func([]Upload) error) error {
	var after Upload
	for more := true; more; {
		var page []Upload
		var next Upload
		err := r.persist(ctx, ctx, func(ctx context.Context) (err error) {
			page, next, more, err = r.Store.ListUploads(ctx, after)
			return err
		})
		if err != nil {
			return err
		}
		if more && next == after {
			return errStuck
		}
		after = next
		page = slices.DeleteFunc(page, func(u Upload) bool { return !u.under(r.Prefix) })
		if err := do(page); err != nil {
			return err
		}
	}
	return nil
}

// abortPage aborts the uploads of one page concurrently. The error is the cause of a context that ended.
func (r *run) abortPage(ctx context.Context, page []Upload) error {
	var all sync.WaitGroup
	turn := make(chan struct{}, aborters)
	for _, upload := range page {
		turn <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-turn }()
			r.survive(func() { r.abort(ctx, upload) })
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// abort aborts an upload. If its key can be read in two ways, both are tried, because the id is that of one upload only.
// An upload that does not exist counts as aborted, as with versions.
func (r *run) abort(ctx context.Context, upload Upload) {
	var failed error
	aborted := false
	for _, key := range []string{upload.Key, upload.Decoded} {
		if key == "" || !strings.HasPrefix(key, r.Prefix) {
			continue
		}
		err := r.persist(ctx, r.deleting, func(ctx context.Context) error {
			return r.Store.AbortUpload(ctx, Upload{Key: key, ID: upload.ID})
		})
		if k, _ := kindOf(err); err == nil || k == gone || k == bucketGone {
			aborted = true
		} else {
			failed = err
		}
	}
	switch {
	case failed == nil && aborted:
		r.count.uploads.Add(1)
	case failed != nil && ctx.Err() == nil:
		_, code := kindOf(failed)
		r.leftovers.addUpload(upload, Failure{Code: code, Message: failed.Error()})
	}
}
