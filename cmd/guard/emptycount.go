package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// Prices in us-east-1, in US dollars. Deleting is free of charge.
// https://aws.amazon.com/s3/pricing/
const (
	pricePerList    = 0.005 / 1000
	pricePerGiB     = 0.023 // a month, standard storage
	versionsPerList = 1000
)

// count prints the bucket's contents and the price of deleting them.
func (e *emptier) count(ctx context.Context, options emptying.Options, a *account) error {
	found, err := emptying.Count(ctx, options)
	switch {
	case err != nil && ctx.Err() != nil:
		return a.interrupted(errors.New("interrupted while counting; nothing was touched"))
	case err != nil:
		return &exitError{exitUntouched, fmt.Errorf("counting: %w; nothing was touched", err)}
	}
	a.counted(found)
	versions := found.Versions + found.Markers
	gib := float64(found.Bytes) / (1 << 30)
	lists := versions/versionsPerList + versions/versionsPerList/4 + 2
	fmt.Fprintf(e.tell, "bucket %s holds %d versions (%.2f GiB), %d delete markers, %d unfinished uploads\n", e.bucket, found.Versions, gib, found.Markers, found.Uploads)
	fmt.Fprintf(e.tell, "deleting takes about %d listings ($%.4f) and %d deletes (free); counting took %d listings ($%.4f)\n",
		lists, float64(lists)*pricePerList, (versions+versionsPerList-1)/versionsPerList, found.Lists, float64(found.Lists)*pricePerList)
	fmt.Fprintf(e.tell, "the storage costs about $%.2f a month (us-east-1, standard class; classes with a minimum duration charge the rest of it)\n", gib*pricePerGiB)
	if found.Protection.MFADelete {
		fmt.Fprintln(e.tell, "MFA delete is on: only the root user with its device can delete versions")
	}
	if found.Protection.ObjectLock {
		fmt.Fprintln(e.tell, "Object Lock is on: versions under retention or a legal hold will be left")
	}
	return nil
}
