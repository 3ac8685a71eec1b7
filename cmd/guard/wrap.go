package main

import (
	"strings"
	"unicode/utf8"
)

// columns is the width of the demo's text: that of the smallest usual terminal.
const columns = 80

// wrap breaks a text into lines of at most width characters, at its spaces. It breaks a word only if the word is longer
// than a line, e.g. an ARN, and then after a separator in it if there is one. There is at least one line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && length(line)+1+length(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; length(line) > width; {
			head := string([]rune(line)[:width])
			if at := strings.LastIndexAny(head, "/:,"); at > len(head)/2 {
				head = head[:at+1]
			}
			lines, line = append(lines, head), line[len(head):]
		}
	}
	return append(lines, line)
}

// length is the number of characters of a text, each of which takes one column.
func length(text string) int { return utf8.RuneCountInString(text) }

// list joins items with commas, up to a number of characters, and says how many items it leaves out.
func list(items []string, limit int) string {
	text := ""
	for i, item := range items {
		if i > 0 {
			item = ", " + item
		}
		if i > 0 && length(text)+length(item) > limit {
			return text + " and " + count(len(items)-i, "more item")
		}
		text += item
	}
	return text
}
