// Package parallel makes calls concurrently and keeps their results in order. It imports the standard library only.
package parallel

import (
	"errors"
	"slices"
	"sync"
)

// Map calls f for all items concurrently and returns the results in the order of the items. The error joins all errors;
// the result of a failed call is the value that f returned with its error.
func Map[T, R any](items []T, f func(T) (R, error)) ([]R, error) {
	results, failures := make([]R, len(items)), make([]error, len(items))
	var calls sync.WaitGroup
	for i, item := range items {
		calls.Go(func() { results[i], failures[i] = f(item) })
	}
	calls.Wait()
	return results, errors.Join(failures...)
}

// Readable is [Map] without the results of failed calls.
func Readable[T, R any](items []T, f func(T) (R, error)) ([]R, error) {
	results, err := Map(items, func(item T) ([]R, error) {
		result, err := f(item)
		if err != nil {
			return nil, err
		}
		return []R{result}, nil
	})
	return slices.Concat(results...), err
}

// All makes calls concurrently and joins their errors.
func All(calls ...func() error) error {
	_, err := Map(calls, func(call func() error) (struct{}, error) { return struct{}{}, call() })
	return err
}

// Limited is [Map] with at most n calls at a time.
func Limited[T, R any](n int, items []T, f func(T) (R, error)) ([]R, error) {
	turns := make(chan struct{}, n)
	return Map(items, func(item T) (R, error) {
		turns <- struct{}{}
		defer func() { <-turns }()
		return f(item)
	})
}
