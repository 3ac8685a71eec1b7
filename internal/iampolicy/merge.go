package iampolicy

import (
	"bytes"
	"slices"
	"strings"
)

// Merge returns a document that is as closed as a lock and keeps what it can of a live document: the live statements that open
// nothing beside the lock's, and the lock's statements that they do not replace. A live statement with the Sid of one of the
// lock's, or with one of sids, is not kept: it is an earlier version of the lock.
//
// The desired document is the lock, possibly with more Allow statements, which the result may have but need not. The forbidden
// requests are those of [Judge], which judges the result as closed or same if the desired document denies them all. Live
// documents that cannot be parsed count as empty.
func Merge(lock, desired, live []byte, sids []string, forbidden []ForbiddenRequest) (string, error) {
	own, err := parseResourcePolicy(lock)
	if err != nil {
		return "", err
	}
	want, err := parseResourcePolicy(desired)
	if err != nil {
		return "", err
	}
	have, err := parseOptionalPolicy(bytes.TrimSpace(live))
	if err != nil {
		have = &Policy{}
	}
	m := merger{&comparison{desired: want, requests: func() []ForbiddenRequest { return forbidden }}}
	kept := m.keep(own.statements, have, sids)
	needed := slices.Clone(own.statements)
	for i := len(needed) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(needed), i, i+1); m.isClosed(kept, without) {
			needed = without
		}
	}
	texts := make([]string, 0, len(kept)+len(needed))
	for _, s := range slices.Concat(kept, needed) {
		texts = append(texts, s.canonical)
	}
	return `{"Version":` + quote(want.version) + `,"Statement":[` + strings.Join(texts, ",") + `]}`, nil
}

type merger struct{ *comparison }

// keep returns the live statements that open nothing beside the lock's.
func (m merger) keep(lock []*statement, live *Policy, sids []string) []*statement {
	var kept []*statement
	for _, s := range live.statements {
		replaced := s.sid != "" && (slices.Contains(sids, s.sid) || slices.ContainsFunc(lock, func(l *statement) bool { return l.sid == s.sid }))
		// Only one of the versions has policy variables.
		changed := live.version != m.desired.version && strings.Contains(s.canonical, "${")
		if with := append(slices.Clone(kept), s); !replaced && !changed && m.isClosed(with, lock) {
			kept = with
		}
	}
	return kept
}

// isClosed reports whether a document with these statements allows nothing that the desired one denies.
func (m merger) isClosed(statements ...[]*statement) bool {
	m.live = &Policy{version: m.desired.version, statements: slices.Concat(statements...)}
	return m.widening() == ""
}
