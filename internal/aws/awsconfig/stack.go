package awsconfig

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// callStack is how much of a goroutine's stack a call of the SDK's clients uses: S3's the most, 40 KB.
const callStack = 40 << 10

// withStack makes the stack of a call's goroutine large enough at the beginning. A stack has 2 KB at first; Go doubles it when the next
// function finds no room, and moves all frames. A call of S3 gets to 64 KB, in five steps of which the last ones move the frames of
// 50 functions: a tenth of the processor time of a process's first correction, in which each call has a new goroutine.
func withStack(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Stack",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			enlargeStack(-1)
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// enlargeStack returns at once if n is negative. Go makes the room for a function's variables when it is called, whether or not it
// comes to use them.
//
//go:noinline
func enlargeStack(n int) byte {
	if n < 0 {
		return 0
	}
	var room [callStack]byte
	room[n]++
	return room[len(room)-1-n]
}
