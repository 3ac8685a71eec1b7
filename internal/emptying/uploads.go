package emptying

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// aborters is how many uploads are aborted at a time.
const aborters = 32

// abortUploads aborts the unfinished uploads. One that cannot be aborted counts as left over: it costs money for as
// long as the bucket lives, and could still become an object (FACTS: S3).
func (r *run) abortUploads(ctx context.Context) error {
	return r.eachUploadPage(ctx, func(page []Upload) error { return r.abortPage(ctx, page) })
}

// eachUploadPage lists the unfinished uploads.
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
		page = slices.DeleteFunc(page, func(u Upload) bool { return !strings.HasPrefix(u.Key, r.Prefix) })
		if err := do(page); err != nil {
			return err
		}
	}
	return nil
}

// abortPage aborts the uploads of one page at the same time. The error is that of a context that ended.
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

func (r *run) abort(ctx context.Context, upload Upload) {
	err := r.persist(ctx, r.deleting, func(ctx context.Context) error { return r.Store.AbortUpload(ctx, upload) })
	k, code := kindOf(err)
	switch {
	case err == nil:
		r.count.uploads.Add(1)
	case ctx.Err() != nil || k == gone || k == bucketGone:
	default:
		r.leftovers.addUpload(upload, Failure{Code: code, Message: err.Error()})
	}
}
