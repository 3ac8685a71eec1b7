// Package selection reads the list of buckets that one guard guards: names, and patterns with *.
//
// One text is the parameter BucketNames, the resources of the guard's role, the prefixes of ListBuckets, and the selection by name.
// This package says what each of these forms is, and refuses texts for which they would differ, or that exceed a limit of AWS. A test
// matches random names and patterns in all forms.
//
// The package imports the standard library only.
package selection

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Selection is the buckets that a guard guards. The zero value selects none.
type Selection struct {
	// included and excluded are names and patterns, in the order of the text.
	included, excluded []string
}

// Parse reads the texts of the parameters BucketNames and ExcludedBucketNames: names of buckets and patterns in which * stands for
// any text, separated by commas. Spaces around them do not count. The error names each text that is no name and no pattern, and
// each limit that is exceeded, with what to do.
func Parse(names, excluded string) (Selection, error) {
	s := Selection{split(names), split(excluded)}
	var errs []error
	if len(s.included) == 0 {
		errs = append(errs, errors.New("BucketNames: want at least one bucket's name, or a pattern such as data-*"))
	}
	for _, list := range []struct {
		parameter string
		texts     []string
	}{{"BucketNames", s.included}, {"ExcludedBucketNames", s.excluded}} {
		for i, text := range list.texts {
			if why := refused(text); why != "" {
				errs = append(errs, fmt.Errorf("%s: %q %s", list.parameter, text, why))
			} else if slices.Contains(list.texts[:i], text) {
				errs = append(errs, fmt.Errorf("%s: %q is given twice", list.parameter, text))
			}
		}
	}
	for _, text := range s.included {
		// Only a star matches a star, so what matches a pattern's text matches each name that the pattern matches.
		if matchesAny(s.excluded, text) {
			errs = append(errs, fmt.Errorf("BucketNames: %q is also excluded by ExcludedBucketNames; leave it out of one of them", text))
		}
	}
	if n := len(strings.Join(slices.Concat(s.Resources("aws-us-gov"), s.ExcludedResources("aws-us-gov")), `","`)); n > mostResources {
		errs = append(errs, fmt.Errorf("BucketNames and ExcludedBucketNames: as ARNs they have %d characters, and the guard's roles have room for %d: "+
			"use patterns, or a stack for each group of buckets", n, mostResources))
	}
	if err := errors.Join(errs...); err != nil {
		return Selection{}, err
	}
	return s, nil
}

func split(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// mostResources is how many characters the ARNs of the selected and the excluded buckets may have together, in the partition with the
// longest name. A role of guard.yaml has them at most twice, and the inline policies of a role have 10,240 characters. An SSM
// parameter, which the template uses as a variable, has 4,096.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostResources = 3000

// Characters of the names of buckets. Selections do not support names that S3 accepted until March 2018 in us-east-1, with upper-case
// letters and underscores; but a pattern may match an existing one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const (
	nameCharacters     = "abcdefghijklmnopqrstuvwxyz0123456789.-"
	existingCharacters = nameCharacters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
)

// refused returns why a text is neither a bucket's name nor a pattern; "" if it is one.
func refused(text string) string {
	switch {
	case strings.Trim(text, nameCharacters+"*") != "":
		return "has characters that no bucket's name has; want lower-case letters, digits, dots, hyphens, and * for any text"
	case strings.Contains(text, "**"):
		return "has two * in a row; want one"
	case len(text) > maxName:
		return fmt.Sprintf("has more than %d characters", maxName)
	case !isPattern(text) && len(text) < minName:
		return fmt.Sprintf("has less than %d characters", minName)
	}
	return ""
}

const minName, maxName = 3, 63

func isPattern(text string) bool { return strings.Contains(text, "*") }

// Matches reports whether a bucket is selected. A text that is no bucket's name is not: it may come from a forged event.
func (s Selection) Matches(name string) bool {
	return isExisting(name) && matchesAny(s.included, name) && !matchesAny(s.excluded, name)
}

// isExisting reports whether a bucket may have this name, also one from before March 2018.
func isExisting(name string) bool {
	const maxExisting = 255
	return len(name) >= minName && len(name) <= maxExisting && strings.Trim(name, existingCharacters) == ""
}

func matchesAny(list []string, name string) bool {
	return slices.ContainsFunc(list, func(text string) bool { return matches(text, name) })
}

// matches reports whether a pattern matches a whole name; * stands for any text, also an empty one.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// Names lists the names that are given without a pattern, in the order of the text.
func (s Selection) Names() []string {
	return slices.DeleteFunc(slices.Clone(s.included), isPattern)
}

// Patterns lists the patterns, in the order of the text.
func (s Selection) Patterns() []string {
	return slices.DeleteFunc(slices.Clone(s.included), func(text string) bool { return !isPattern(text) })
}

// Excluded lists the names and patterns that are excluded, in the order of the text.
func (s Selection) Excluded() []string { return slices.Clone(s.excluded) }

// Included lists the names and patterns that are selected, in the order of the text.
func (s Selection) Included() []string { return slices.Clone(s.included) }

// Without returns the selection without a bucket that a pattern may match, such as the guard's own.
func (s Selection) Without(name string) Selection {
	s.excluded = append(slices.Clone(s.excluded), name)
	return s
}

// Prefixes lists the prefixes with which ListBuckets finds all buckets that the patterns can match: none begins with another one.
// The prefix "" stands for all buckets.
func (s Selection) Prefixes() []string {
	var prefixes []string
	for _, pattern := range s.Patterns() {
		prefix, _, _ := strings.Cut(pattern, "*")
		prefixes = append(prefixes, prefix)
	}
	slices.SortFunc(prefixes, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	var needed []string
	for _, p := range prefixes {
		if !slices.ContainsFunc(needed, func(shorter string) bool { return strings.HasPrefix(p, shorter) }) {
			needed = append(needed, p)
		}
	}
	return needed
}

// Resources lists the buckets as resources of an IAM policy: their ARNs, with * in patterns. They include the excluded buckets.
func (s Selection) Resources(partition string) []string { return arns(partition, s.included) }

// ExcludedResources lists the excluded buckets as resources of an IAM policy, for a Deny.
func (s Selection) ExcludedResources(partition string) []string { return arns(partition, s.excluded) }

func arns(partition string, names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = "arn:" + partition + ":s3:::" + name
	}
	return list
}
