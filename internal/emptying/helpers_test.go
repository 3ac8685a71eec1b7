package emptying_test

import "errors"

// asCoded finds S3's code in an error.
func asCoded(err error, target *interface{ ErrorCode() string }) bool { return errors.As(err, target) }
