package notify

import (
	"strings"
	"unicode"
)

// maxForeign is the maximum length of a foreign text in a message, in bytes. The record in the log has the whole text.
const maxForeign = 400

// clean makes a text that others chose harmless: it replaces non-printing characters (control characters, line
// separators, marks that reverse the text direction), breaks URLs, so that mail and chat programs do not make links of
// them, and limits the length.
func clean(text string) string { return shortened(text, func(c rune) string { return string(c) }) }

// quoted returns a foreign text in quotation marks.
func quoted(text string) string { return `"` + strings.ReplaceAll(clean(text), `"`, "'") + `"` }

// escapes are for text in Markdown's code spans and code blocks, which a backtick ends. Slack also interprets <, > and &
// there (links, mentions), and Amazon Q finds mentions by their @.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
var escapes = map[rune]string{'`': "'", '&': "&amp;", '<': "&lt;", '>': "&gt;", '@': "(at)"}

// escaped makes a foreign text harmless within Markdown's code.
func escaped(text string) string {
	return shortened(text, func(c rune) string {
		if escape, ok := escapes[c]; ok {
			return escape
		}
		return string(c)
	})
}

// code returns a text as a Markdown code span.
func code(text string) string { return "`" + escaped(text) + "`" }

// shortened replaces each character, and ends where the result would be longer than maxForeign. Runs of spaces become one, so
// that a text cannot fill the rest of a line and imitate the next one; marks that change the character before them go.
func shortened(text string, replacement func(rune) string) string {
	var b strings.Builder
	space := false
	for _, c := range strings.ReplaceAll(text, "://", "[://]") {
		if unicode.Is(unicode.Mn, c) {
			continue
		}
		next := " "
		if unicode.IsPrint(c) && !strings.ContainsRune(blanks, c) {
			next = replacement(c)
		}
		if next == " " && space {
			continue
		}
		space = next == " "
		if b.Len()+len(next) > maxForeign {
			return b.String() + "..."
		}
		b.WriteString(next)
	}
	return b.String()
}

// blanks are printable characters that look like spaces: Hangul fillers, and Braille without dots.
const blanks = "\u115f\u1160\u3164\uffa0\u2800"
