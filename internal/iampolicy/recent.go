package iampolicy

import "sync"

// recent are the policies that were parsed last, with their documents. A guard parses its desired document when it starts, when it
// judges a live one, before it writes it and when it reads it back; an audit parses each live one several times.
var recent struct {
	sync.Mutex
	list [8]remembered
	next int // the one that is replaced next
}

type remembered struct {
	document string
	policy   *Policy
}

// recall returns the policy of a document that was parsed recently; nil for another one.
func recall(document []byte) *Policy {
	recent.Lock()
	defer recent.Unlock()
	for i := range recent.list {
		if r := &recent.list[i]; r.policy != nil && r.document == string(document) {
			return r.policy
		}
	}
	return nil
}

// remember keeps a policy until as many others have been parsed as recent has room for.
func remember(document []byte, p *Policy) {
	recent.Lock()
	defer recent.Unlock()
	recent.list[recent.next] = remembered{string(document), p}
	recent.next = (recent.next + 1) % len(recent.list)
}
