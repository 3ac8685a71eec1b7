package serviceauth

import "strings"

// overlap reports whether there is a text that both patterns match. In the first, "*" matches any text and "?" one
// character; in the second, which is the reference's, ${Variable} and <variable> match one character or more.
//
// A variable in an ARN ends at the colon of its part. A variable for a bucket ends at the slash before the object's
// key.
func overlap(pattern, form string) bool { return meet([]rune(pattern), pieces(form)) }

// piece is one character of a form, or a variable.
type piece struct {
	char rune
	// variable matches one or more characters that are not in without; more means that one was already matched.
	variable, more bool
	without        string
}

// pieces parses a form. Only the last part of an ARN, the sixth, may contain colons.
func pieces(form string) []piece {
	var list []piece
	colons := 0
	for rest := form; rest != ""; {
		open, end := strings.IndexAny(rest, "$<"), -1
		if open == 0 {
			end = strings.IndexAny(rest, "}>")
		}
		if end < 0 {
			char := []rune(rest)[0]
			if char == ':' {
				colons++
			}
			list, rest = append(list, piece{char: char}), rest[len(string(char)):]
			continue
		}
		v := piece{variable: true}
		switch name := strings.ToLower(rest[:end+1]); {
		case strings.HasPrefix(form, "arn:") && colons < 5:
			v.without = ":"
		case name == "${bucketname}":
			v.without = "/:"
		}
		list, rest = append(list, v), rest[end+1:]
	}
	return list
}

// meet walks both patterns in parallel. They are short, and few positions can branch.
func meet(pattern []rune, form []piece) bool {
	if len(form) > 0 && form[0].more && meet(pattern, form[1:]) {
		return true
	}
	switch {
	case len(pattern) == 0:
		return len(form) == 0
	case pattern[0] == '*':
		return meet(pattern[1:], form) || len(form) > 0 && !form[0].more && meet(pattern, form[0].behind(form))
	case len(form) == 0 || !form[0].may(pattern[0]):
		return false
	}
	return meet(pattern[1:], form[0].behind(form))
}

// may reports whether the piece can match this character.
func (p piece) may(char rune) bool {
	switch {
	case char == '?':
		return true
	case p.variable:
		return !strings.ContainsRune(p.without, char)
	}
	return p.char == char
}

// behind returns the form after its first piece has matched one character: a variable may match more.
func (p piece) behind(form []piece) []piece {
	if !p.variable {
		return form[1:]
	}
	p.more = true
	return append([]piece{p}, form[1:]...)
}
