package parallel_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/parallel"
)

func TestMapCallsAtTheSameTimeAndKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got, err := parallel.Map([]int{3, 1, 2}, func(n int) (int, error) {
			time.Sleep(time.Duration(n) * time.Second) // synthetic time
			return 10 * n, nil
		})
		if want := []int{30, 10, 20}; err != nil || !slices.Equal(got, want) {
			t.Errorf("Map = %v, %v, want %v", got, err, want)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want the longest call's 3s", took)
		}
	})
}

func TestFailuresKeepNoOtherCallFromItsResult(t *testing.T) {
	errOdd, errOther := errors.New("odd"), errors.New("other")
	got, err := parallel.Map([]int{1, 2}, func(n int) (int, error) {
		if n == 1 {
			return 0, errOdd
		}
		return n, nil
	})
	if !errors.Is(err, errOdd) || got[1] != 2 {
		t.Errorf("Map = %v, %v, want the second result and the first's error", got, err)
	}
	err = parallel.All(func() error { return errOdd }, func() error { return errOther })
	if !errors.Is(err, errOdd) || !errors.Is(err, errOther) {
		t.Errorf("All = %v, want all errors", err)
	}
	if got, err := parallel.Map(nil, func(int) (int, error) { return 0, errOdd }); err != nil || len(got) > 0 {
		t.Errorf("Map(nothing) = %v, %v", got, err)
	}
}

func TestReadableLeavesOutWhatFailed(t *testing.T) {
	errOdd := errors.New("odd")
	got, err := parallel.Readable([]int{1, 2, 3, 4}, func(n int) (int, error) {
		if n%2 == 1 {
			return n, errOdd
		}
		return 10 * n, nil
	})
	if !errors.Is(err, errOdd) || !slices.Equal(got, []int{20, 40}) {
		t.Errorf("Readable = %v, %v, want the results of the even ones and the error of the odd ones", got, err)
	}
}
