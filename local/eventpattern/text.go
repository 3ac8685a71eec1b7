package eventpattern

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// literal is null, true or false.
type literal struct{ value any }

func (l literal) holds(value any) bool {
	switch value.(type) {
	case nil, bool:
		return value == l.value
	}
	return false
}

func (l literal) String() string {
	if l.value == nil {
		return "null"
	}
	return fmt.Sprint(l.value)
}

// exactly is a string. If it is an IP address, the real matcher compares addresses, so that "::1" and
// "0:0:0:0:0:0:0:1" are equal, except inside anything-but.
type exactly struct {
	text    string
	address netip.Addr
}

func newExactly(text string) exactly {
	address, err := parseAddress(text)
	if err != nil {
		return exactly{text: text}
	}
	return exactly{text: text, address: address}
}

func (e exactly) holds(value any) bool {
	text, ok := value.(string)
	if !ok || !e.address.IsValid() {
		return ok && text == e.text
	}
	address, err := parseAddress(text)
	return err == nil && address == e.address
}

func (e exactly) String() string { return strconv.Quote(e.text) }

// parseAddress parses an IP address without a zone.
func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, err
	}
	if address.Zone() != "" {
		return netip.Addr{}, errors.New("an address with a zone")
	}
	return address.Unmap(), nil
}

// network is a range of IP addresses.
type network struct{ prefix netip.Prefix }

// newNetwork parses a CIDR. It rejects one with host bits set: the real matcher would begin its range at that address
// and not at the network's first. It rejects one of a single address, as the real matcher does (CIDR.java).
func newNetwork(text string) (test, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("cidr: %w", err)
	}
	if prefix != prefix.Masked() {
		return nil, fmt.Errorf("cidr: %s has host bits set, want %s", text, prefix.Masked())
	}
	if prefix.IsSingleIP() {
		return nil, fmt.Errorf("cidr: %s is one address, want that address in the list itself", text)
	}
	return network{prefix}, nil
}

func (n network) holds(value any) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	address, err := parseAddress(text)
	return err == nil && n.prefix.Contains(address)
}

func (n network) String() string { return "an address in " + n.prefix.String() }

// edge is a prefix or suffix of a string.
type edge struct {
	operator string // "prefix" or "suffix"
	text     string
	fold     bool // ignoring case
}

func (e edge) holds(value any) bool {
	text, ok := value.(string)
	switch {
	case !ok:
		return false
	case e.operator == "prefix" && !e.fold:
		return strings.HasPrefix(text, e.text)
	case e.operator == "suffix" && !e.fold:
		return strings.HasSuffix(text, e.text)
	}
	want, got := []rune(e.text), []rune(text)
	if len(got) < len(want) {
		return false
	}
	if e.operator == "prefix" {
		return slices.EqualFunc(want, got[:len(want)], sameLetter)
	}
	return slices.EqualFunc(want, got[len(got)-len(want):], sameLetter)
}

func (e edge) String() string {
	if e.fold {
		return fmt.Sprintf("%s %q in any case", e.operator, e.text)
	}
	return fmt.Sprintf("%s %q", e.operator, e.text)
}

// ignoringCase is a string in any mixture of upper and lower case.
type ignoringCase string

func (i ignoringCase) holds(value any) bool {
	text, ok := value.(string)
	return ok && slices.EqualFunc([]rune(string(i)), []rune(text), sameLetter)
}

func (i ignoringCase) String() string { return strconv.Quote(string(i)) + " in any case" }

// sameLetter reports whether got is the pattern's letter in upper or lower case. It is not Unicode's folding, in
// which "K" also equals the Kelvin sign.
func sameLetter(want, got rune) bool {
	return got == want || got == unicode.ToLower(want) || got == unicode.ToUpper(want)
}

// wildcard is a string in which each "*" matches any text, including none.
type wildcard struct {
	source string
	parts  []string // the text between the stars, unescaped
}

// newWildcard parses the operand: "\*" and "\\" are literal characters, other escapes and two stars in a row are
// errors.
func newWildcard(source string) (test, error) {
	w := wildcard{source: source, parts: []string{""}}
	star := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		if c == '*' {
			if star {
				return nil, fmt.Errorf("wildcard: %q has two stars in a row", source)
			}
			star, w.parts = true, append(w.parts, "")
			continue
		}
		if c == '\\' {
			if i++; i == len(source) || (source[i] != '*' && source[i] != '\\') {
				return nil, fmt.Errorf(`wildcard: %q escapes something else than * and \`, source)
			}
			c = source[i]
		}
		star = false
		w.parts[len(w.parts)-1] += string([]byte{c})
	}
	return w, nil
}

func (w wildcard) holds(value any) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	last := len(w.parts) - 1
	if last == 0 {
		return text == w.parts[0]
	}
	text, ok = strings.CutPrefix(text, w.parts[0])
	for _, part := range w.parts[1:last] {
		if !ok {
			return false
		}
		_, text, ok = strings.Cut(text, part)
	}
	return ok && strings.HasSuffix(text, w.parts[last])
}

func (w wildcard) String() string { return "wildcard " + strconv.Quote(w.source) }
