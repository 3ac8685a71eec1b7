package errorcode_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

func TestOf(t *testing.T) {
	refusal := &smithy.GenericAPIError{Code: "AccessDenied"}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"no error":         {nil, ""},
		"a refusal":        {refusal, "AccessDenied"},
		"a wrapped one":    {fmt.Errorf("bucket docs: %w", refusal), "AccessDenied"},
		"no answer at all": {errors.New("connection reset"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := errorcode.Of(c.err); got != c.want {
				t.Errorf("Of(%v) = %q, want %q", c.err, got, c.want)
			}
		})
	}
}
