package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// palette colours text for a terminal. Its zero value does not.
type palette struct{ on bool }

// paletteFor returns a palette that colours if w is a terminal and NO_COLOR is not set. https://no-color.org
func paletteFor(w io.Writer) palette {
	file, ok := w.(*os.File)
	return palette{ok && term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p palette) bold(text string) string  { return p.wrap("1", text) }
func (p palette) red(text string) string   { return p.wrap("31", text) }
func (p palette) green(text string) string { return p.wrap("32", text) }

// verdict returns the verdict on a property, in red if it is open.
func (p palette) verdict(v iampolicy.Verdict) string {
	if v == iampolicy.Open {
		return p.red(string(v))
	}
	return string(v)
}

func (p palette) wrap(code, text string) string {
	if !p.on {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
